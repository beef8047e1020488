"""Since when a case takes another time: change points of stored series, and what came with them.

A series is a case's on one machine by one target, a point a run. What else was another from the
last run before a change to the first one after it is told, not blamed: it may be innocent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.stats.changepoints import Levels, levels

Columns = Mapping[str, Sequence[Any]]
"""As `harness.store.series.read_series` orders them."""

_SERIES = ("case", "machine", "machine_name", "target", "isolation")

BESIDE = ("image", "jax", "git_commit", "suite")
"""What may have changed with it."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A run's: `started_at` is text (UTC, ISO 8601 with a space)."""

    run: str
    started_at: str
    median_s: float
    beside: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Changed:
    """`last`: before the change, `first`: after it. `differs`: of `BESIDE`, what either has of it,
    where it is not the same."""

    case: str
    machine: str
    machine_name: str
    target: str
    isolation: str
    last: Point
    first: Point
    before_s: float
    after_s: float
    ratio: float
    low: float
    high: float
    provisional: bool
    differs: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class Series:
    """`where`: values of case, machine, machine_name, target and isolation."""

    where: Mapping[str, str]
    points: Sequence[Point]
    levels: Levels

    def changed(self) -> Iterator[Changed]:
        for change in self.levels.changes:
            last, first = self.points[change.at - 1], self.points[change.at]
            yield Changed(
                **self.where,
                last=last,
                first=first,
                before_s=change.before,
                after_s=change.after,
                ratio=change.ratio,
                low=change.low,
                high=change.high,
                provisional=change.provisional,
                differs={
                    name: (last.beside[name], first.beside[name])
                    for name in BESIDE
                    if last.beside[name] != first.beside[name]
                },
            )


def series_of(columns: Columns, floor: Callable[[str], float]) -> Iterator[Series]:
    """Every series, in the order of `columns`. `floor`: of a case, the smallest change that
    matters."""
    names = list(columns)
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    for key, group in groupby(rows, key=lambda row: tuple(str(row[name]) for name in _SERIES)):
        where = dict(zip(_SERIES, key, strict=True))
        points = [_point(row) for row in group]
        found = levels([each.median_s for each in points], floor=floor(where["case"]))
        yield Series(where=where, points=points, levels=found)


def _point(row: Mapping[str, Any]) -> Point:
    return Point(
        run=row["run"],
        started_at=row["started_at"],
        median_s=row["median_s"],
        beside={name: row[name] for name in BESIDE},
    )
