"""What was found, held against what was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.changepoints.detectors import Find
from tests.benchmarks.changepoints.series import NEAR, Series, Task


@dataclass(frozen=True, kw_only=True)
class Found:
    """By one detector in one task. `right`: of how many series; `delays`: of a delayed task,
    nights, None where the series ended before."""

    task: str
    who: str
    series: int
    right: int
    delays: tuple[int | None, ...] = ()

    @property
    def share(self) -> float:
        return self.right / self.series


def judge(task: Task, who: str, find: Find) -> Found:
    if task.delayed:
        return _delayed(task, who, find)
    found = find([each.values for each in task.series])
    right = sum(is_right(each, places) for each, places in zip(task.series, found, strict=True))
    return Found(task=task.name, who=who, series=len(task.series), right=right)


def is_right(series: Series, places: Sequence[int]) -> bool:
    """As many changes as there are, each near where it is."""
    if len(places) != len(series.steps):
        return False
    pairs = zip(sorted(places), series.steps, strict=True)
    return all(abs(place - step) <= NEAR for place, step in pairs)


def _delayed(task: Task, who: str, find: Find) -> Found:
    """Each series night by night: how many nights after the step a change near it is first said."""
    looks = [
        (each, night)
        for each in task.series
        for night in range(1, each.values.size - each.steps[0] + 1)
    ]
    found = find([each.values[: each.steps[0] + night] for each, night in looks])
    delays: dict[int, int | None] = {id(each): None for each in task.series}
    for (each, night), places in zip(looks, found, strict=True):
        said = any(abs(place - each.steps[0]) <= NEAR for place in places)
        if said and delays[id(each)] is None:
            delays[id(each)] = night
    right = sum(delay is not None for delay in delays.values())
    return Found(
        task=task.name, who=who, series=len(delays), right=right, delays=tuple(delays.values())
    )


def middle_delay(found: Found) -> float | None:
    """The median; None where half of them were not found."""
    known = sorted(delay if delay is not None else 10**9 for delay in found.delays)
    middle = median(known) if known else 10**9
    return None if middle >= 10**8 else middle
