"""Two launches that measure in turns: one does something only when it is told to.

A launch says that it is ready, and waits for a line on stdin: before it makes and compiles a
case, and before every round. Who waits in `readline` uses no CPU.
"""

from collections.abc import Callable, Mapping
from typing import IO, Any, Protocol

import pytest

from workloads.stream import SCHEMA_VERSION

GO = "go"
PASS = "pass"  # noqa: S105 - the case is passed over

PASSED_OVER = "the other side does not measure it"
"""Why such a case is skipped."""


class Passed(Exception):
    """The other side does not measure this case."""


class Orphaned(Exception):
    """Nobody is left to say whose turn it is."""


class Turns(Protocol):
    """When to measure, and how often."""

    def rounds(self, case: str) -> int | None:
        """Of `case`; None leaves it to the policy."""

    def wait(self, case: str) -> None:
        """Returns when it is this launch's turn. Raises `Passed`, `Orphaned`."""


class Alone:
    """A launch that nobody waits for."""

    def rounds(self, case: str) -> None:
        """The policy says."""

    def wait(self, case: str) -> None:
        """It is always its turn."""


class Taken:
    """A launch that is told its turns by lines of `tokens`. `rounds`: of each case; where it has
    none, that is not for us to say."""

    def __init__(
        self, rounds: Mapping[str, int], send: Callable[[Mapping[str, Any]], None], tokens: IO[str]
    ) -> None:
        self._rounds = rounds
        self._send = send
        self._tokens = tokens

    def rounds(self, case: str) -> int | None:
        return self._rounds.get(case)

    def wait(self, case: str) -> None:
        self._send({"schema": SCHEMA_VERSION, "kind": "ready", "case": case})
        token = self._tokens.readline().strip()
        if token == PASS:
            raise Passed
        if token != GO:
            raise Orphaned(f"waiting for a turn, stdin said {token!r}")


TURNS = pytest.StashKey[Turns]()
"""Where a launch leaves its turns for the tests: `config.stash[TURNS]`."""


class TurnTaking:
    """A pytest plugin that hands the turns to the tests."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[TURNS] = self._turns
