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
from workloads.throttling import Watch, Watched

APART_S = 0.005
"""Least time between two looks: rounds may be as short as the clock allows."""

APART_SHARE = 0.005
"""The same as a share of the time since the first: however long a test takes, its record stays
small."""


class GuestGpus:
    """A pytest plugin that leaves with each test what its GPUs were seen to do. It is as it was
    measured: whether a test may be measured once more, only its author knows."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        fixture = getattr(item, "funcargs", {}).get(FIXTURE)
        if fixture is None:
            return (yield)
        try:
            looks = Looks(watch=Watch(gpus=gpus()))
        except Unread as error:
            item.stash[OF_GPU] = OfGpu(warnings=(throttling.unknown(error),))
            return (yield)
        before = allocations()
        looks.follow(fixture)
        result = yield
        item.stash[OF_GPU] = told(looks, used(before, allocations()))
        return result


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

    def follow(self, fixture: Any) -> None:
        """Looks at the end of each round that pytest-benchmark's `fixture` (which has no
        annotations) keeps; none of that is timed."""
        add_stats = fixture._add_stats

        def add(stats: Any) -> None:
            update = stats.update

            def kept(duration: float) -> None:
                update(duration)
                self.round_ended()

            stats.update = kept
            add_stats(stats)

        fixture._add_stats = add

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


def told(looks: Looks, places: Sequence[int]) -> OfGpu:
    """Of the GPUs at `places`."""
    try:
        need_known(places)
    except Unread as error:
        return OfGpu(warnings=(throttling.unknown(error),))
    watched = looks.end(places)
    if watched is None:
        return OfGpu()
    return OfGpu(record=watched.as_record(), warnings=tuple(throttling.warnings(watched)))


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
