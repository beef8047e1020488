"""Tests of one's own in turns: each begins when it is told to and, if it is pedantic, so does each
of its rounds. How many rounds there are, the test alone says.
"""

import inspect
from collections.abc import Callable, Generator
from typing import Any

import pytest

from workloads.guest_plugin import FIXTURE, IN_TURNS, is_benchmark
from workloads.turns import PASSED_OVER, Passed, Turns


class GuestTurns:
    """A pytest plugin that waits for `turns`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Before its fixtures, which may work as well."""
        if is_benchmark(item):
            self._wait(item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        fixture = getattr(item, "funcargs", {}).get(FIXTURE)
        if fixture is not None:
            fixture.pedantic = self._in_turns(item, fixture)
        return (yield)

    def _in_turns(self, item: pytest.Item, fixture: Any) -> Callable[..., Any]:
        """pytest-benchmark's `pedantic`, which waits before every round, warm-up included."""
        pedantic = fixture.pedantic
        signature = inspect.signature(pedantic)

        def in_turns(*words: Any, **options: Any) -> Any:
            call = signature.bind(*words, **options)
            if call.arguments.get("iterations", 1) == 1:
                item.stash[IN_TURNS] = True
                call.arguments["setup"] = self._setup(item.nodeid, call.arguments.get("setup"))
            return pedantic(*call.args, **call.kwargs)

        return in_turns

    def _setup(self, case: str, own: Callable[[], Any] | None) -> Callable[[], Any]:
        """What is called untimed before a round: the test's own setup is work, and has its turn."""

        def setup() -> Any:
            self._wait(case)
            return None if own is None else own()

        return setup

    def _wait(self, case: str) -> None:
        try:
            self._turns.wait(case)
        except Passed:
            pytest.skip(PASSED_OVER)
