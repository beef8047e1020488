"""Since when a case takes another time: change points of stored series, and what came with them.

A series is a case's on one machine by one target, a point a run, or a night, whose ratio to the
anchor it is. What else was another from the last point before a change to the first one after it is
told, not blamed: it may be innocent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from harness.stats.changepoints import Levels, levels

Columns = Mapping[str, Sequence[Any]]
Row = Mapping[str, Any]

_SERIES = ("case", "machine", "machine_name", "target", "isolation")

BESIDE = ("image", "jax", "git_commit", "suite")
"""What may have changed with it."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A run's. `started_at` is text (UTC, ISO 8601 with a space); `value`: seconds, or a ratio to
    the anchor."""

    run: str
    started_at: str
    value: float
    beside: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Changed:
    """`last`: before the change, `first`: after it; `before`, `after`: the levels, in `unit` (`s`,
    or `ratio` to the anchor), `ratio` of the two. `differs`: of `BESIDE`, what either has of it,
    where it is not the same."""

    case: str
    machine: str
    machine_name: str
    target: str
    isolation: str
    unit: str
    last: Point
    first: Point
    before: float
    after: float
    ratio: float
    low: float
    high: float
    provisional: bool
    differs: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class Series:
    """`where`: values of case, machine, machine_name, target, isolation. `unit`: of its points."""

    where: Mapping[str, str]
    unit: str
    points: Sequence[Point]
    levels: Levels

    def changed(self) -> Iterator[Changed]:
        for change in self.levels.changes:
            last, first = self.points[change.at - 1], self.points[change.at]
            yield Changed(
                **self.where,
                unit=self.unit,
                last=last,
                first=first,
                before=change.before,
                after=change.after,
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


def series_of_runs(columns: Columns, floor: Callable[[str], float]) -> Iterator[Series]:
    """`columns`: as `harness.store.series.read_series` orders them, of runs that were not measured
    in turns. `floor`: of a case, the smallest change that matters."""
    for where, rows in _grouped(columns):
        points = [_point(row, row["median_s"]) for row in rows]
        yield _series(where, "s", points, floor)


def series_of_nights(columns: Columns, floor: Callable[[str], float]) -> Iterator[Series]:
    """`columns`: as `harness.store.ratios.list_nights` orders them. Ratios to an earlier anchor of
    an epoch are made ratios to its last one by the nights in which both were measured; of nights
    that no bridge ties to it nothing is said."""
    for where, rows in _grouped(columns):
        by_epoch: dict[int, list[Row]] = {}
        for row in rows:
            by_epoch.setdefault(row["epoch"], []).append(row)
        for epoch in by_epoch.values():
            yield _series(where, "ratio", list(_to_last_anchor(epoch)), floor)


def _to_last_anchor(rows: Sequence[Row]) -> Iterator[Point]:
    """`rows`: of an epoch and a case, anchor by anchor."""
    logs = {row["pairing"]: log(row["ratio"]) for row in rows}
    bridges = {row["anchor"]: row["bridge"] for row in rows}
    steps: dict[int, float | None] = {}
    step: float | None = 0.0
    for anchor in reversed(bridges):
        steps[anchor] = step
        bridge = logs.get(bridges[anchor])
        step = None if step is None or bridge is None else step + bridge
    for row in rows:
        if (taken := steps[row["anchor"]]) is not None:
            yield _point(row, exp(logs[row["pairing"]] - taken))


def _grouped(columns: Columns) -> Iterator[tuple[Mapping[str, str], Sequence[Row]]]:
    """The rows of each series, in their order: those of containers and of plain processes may take
    turns."""
    names = list(columns)
    found: dict[tuple[str, ...], list[Row]] = {}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(names, values, strict=True))
        found.setdefault(tuple(str(row[name]) for name in _SERIES), []).append(row)
    for key, rows in found.items():
        yield dict(zip(_SERIES, key, strict=True)), rows


def _series(
    where: Mapping[str, str], unit: str, points: Sequence[Point], floor: Callable[[str], float]
) -> Series:
    found = levels([each.value for each in points], floor=floor(where["case"]))
    return Series(where=where, unit=unit, points=points, levels=found)


def _point(row: Row, value: float) -> Point:
    return Point(
        run=row["run"],
        started_at=row["started_at"],
        value=value,
        beside={name: row[name] for name in BESIDE},
    )
