"""The GPUs that tests of one's own run on, watched while they are timed."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from workloads import throttling
from workloads.environment import started_platform
from workloads.guest_plugin import FIXTURE, OF_GPU, OfGpu
from workloads.nvml import Unread, gpus, need_known
from workloads.pauses import Pauses
from workloads.throttling import Watch, Watched

APART_S = 0.005
"""Least time between two looks: rounds may be as short as the clock allows."""

APART_SHARE = 0.005
"""The same as a share of the time since the first: however long a test takes, its record stays
small."""


MOST_SET_ASIDE = 20_000
"""Samples that can be kept beside those that were taken in their place."""


class GuestGpus:
    """A pytest plugin that leaves with each test what its GPUs were seen to do. `pauses`: None in
    turns, where nobody waits for a GPU."""

    def __init__(self, pauses: Pauses | None) -> None:
        self._pauses = pauses
        self._began_s = 0.0

    def pytest_runtest_logstart(self) -> None:
        self._began_s = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        fixture = getattr(item, "funcargs", {}).get(FIXTURE)
        if fixture is None:
            return (yield)
        try:
            watching = Watching(fixture, self._pauses, self._began_s)
        except Unread as error:
            item.stash[OF_GPU] = OfGpu(warnings=(throttling.unknown(error),))
            return (yield)
        result = yield
        item.stash[OF_GPU] = watching.told()
        return result


class Watching:
    """GPUs while pytest-benchmark's `fixture` (which has no annotations) times a test.

    What it calls as often as it likes (`benchmark(f)`) is timed once more after a pause, where the
    GPU was slowed too often. How often `benchmark.pedantic` calls, its author has said.
    """

    def __init__(self, fixture: Any, pauses: Pauses | None, began_s: float) -> None:
        """`began_s`: when the test did, as `time.monotonic` tells it. Raises `Unread`."""
        self._fixture, self._pauses, self._began_s = fixture, pauses, began_s
        self._set_aside_s: list[float] = []
        self._remarks: tuple[str, ...] = ()
        self._begin()
        fixture._add_stats = self._looking(fixture._add_stats)
        fixture._raw = self._settling(fixture._raw)

    def told(self) -> OfGpu:
        try:
            watched = self._watched()
        except Unread as error:
            return OfGpu(warnings=(throttling.unknown(error),))
        if watched is None:
            return OfGpu()
        return OfGpu(
            record=watched.as_record(self._set_aside_s),
            warnings=(*throttling.warnings(watched), *self._remarks),
        )

    def _begin(self) -> None:
        self._before, self._looks = allocations(), Looks(watch=Watch(gpus=gpus()))

    def _watched(self) -> Watched | None:
        """Since it began, of the GPUs that were computed on. Raises `Unread`."""
        places = used(self._before, allocations())
        need_known(places)
        return self._looks.end(places)

    def _looking(self, add_stats: Callable[[Any], None]) -> Callable[[Any], None]:
        """Looks at the end of each round that is kept; none of that is timed."""

        def add(stats: Any) -> None:
            update = stats.update

            def kept(duration: float) -> None:
                update(duration)
                self._looks.round_ended()

            stats.update = kept
            add_stats(stats)

        return add

    def _settling(self, raw: Callable[..., Any]) -> Callable[..., Any]:
        """pytest-benchmark's `benchmark(f)`, once more after a pause where that helps."""

        def settled(*words: Any, **options: Any) -> Any:
            start_s = time.monotonic()
            result = raw(*words, **options)
            watched = self._slowed(time.monotonic() - start_s)
            if watched is None or self._pauses is None:
                return result
            self._pauses.take()
            self._set_aside_s = list(self._fixture.stats.stats.data)
            self._remarks = (throttling.again(watched),)
            self._begin()
            return raw(*words, **options)

        return settled

    def _slowed(self, timed_s: float) -> Watched | None:
        """What was seen, if it was such that a pause would help."""
        try:
            watched = self._watched()
        except Unread:  # as it will be told
            return None
        if watched is None or self._pauses is None or self._looks.timed > MOST_SET_ASIDE:
            return None
        spent_s = time.monotonic() - self._began_s
        return watched if self._pauses.would_help(watched, timed_s, spent_s) else None


@dataclass(kw_only=True)
class Looks:
    """At GPUs, each at the end of a round: of every one that lasts, else of some. `rounds`: those,
    from 0, of `timed`."""

    watch: Watch
    clock: Callable[[], float] = time.monotonic
    rounds: list[int] = field(default_factory=list)
    timed: int = 0
    _first_s: float | None = None
    _next_s: float = 0.0

    def round_ended(self) -> None:
        now = self.clock()
        self.timed += 1
        if now < self._next_s:
            return
        self.watch.look()
        self.rounds.append(self.timed - 1)
        self._first_s = now if self._first_s is None else self._first_s
        self._next_s = now + max(APART_S, APART_SHARE * (now - self._first_s))

    def end(self, places: Sequence[int]) -> Watched | None:
        """Of the GPUs at `places`; None of none, and where no round was timed."""
        if not places or not self.rounds:
            return None
        return Watched(
            gpus=tuple(self.watch.seen(place, self.rounds) for place in places),
            looked_at=None if len(self.rounds) == self.timed else tuple(self.rounds),
        )


def allocations() -> dict[int, int | None]:
    """How often JAX has taken memory of each GPU, by CUDA's number; None where it does not count.
    Empty where JAX has not been started in this process, or runs on no NVIDIA GPU."""
    if started_platform() != "cuda":
        return {}
    import jax

    stats = {each.local_hardware_id: each.memory_stats() for each in jax.local_devices()}
    return {number: (found or {}).get("num_allocs") for number, found in stats.items()}


def used(before: Mapping[int, int | None], after: Mapping[int, int | None]) -> list[int]:
    """Which GPUs were computed on: those that JAX has taken memory of since, or does not count it;
    where none was, the first."""
    found = [
        number
        for number, count in after.items()
        if count is None or count > (before.get(number) or 0)
    ]
    return found or list(after)[:1]
