"""Since when a case takes another time: change points of stored series, and what came with them.

A series is a case's on one machine by one target, a point a run, or a night, whose ratio to the
anchor it is. What else was another from the last point before a change to the first one after it is
told, not blamed: it may be innocent. `harness.beside` tells more of that than each point knows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING, Any

from harness.stats.changepoints import SETTLED, Change, Level, Levels, levels

if TYPE_CHECKING:
    from harness.roofline.moved import Moved

Columns = Mapping[str, Sequence[Any]]
Rows = Sequence[int]
"""Places in columns."""

_SERIES = ("case", "machine", "machine_name", "target", "isolation")

BESIDE = ("image", "jax", "git_commit", "suite")
"""What may have changed with it, as far as each point knows."""

NEAR = SETTLED
"""Points on either side of a change that tell what was noisy there: as many as settle it."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A run's. `started_at` is text (UTC, ISO 8601 with a space); `value`: seconds, or a ratio to
    the anchor."""

    run: str
    started_at: str
    value: float
    beside: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Louder:
    """A share of all CPUs' time that moved: the medians before and after."""

    share: str
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Changed:
    """`where`, `unit`: as of its series. `last`: the point before the change, `first`: after it.
    `differs`: of `BESIDE`, what either has of it, where it is not the same.

    `runs_before`, `runs_after`: of the points at these levels that are nearest to the change.
    `same_code`, `ceilings`, `noise`: whether both points ran the same compiled code, which ceilings
    moved, and which noise; None where nothing tells.
    """

    where: Mapping[str, str]
    unit: str
    change: Change
    last: Point
    first: Point
    differs: Mapping[str, tuple[str | None, str | None]]
    runs_before: tuple[str, ...] = ()
    runs_after: tuple[str, ...] = ()
    same_code: bool | None = None
    ceilings: "tuple[Moved, ...] | None" = None
    noise: tuple[Louder, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A series at whose levels nobody has looked. `where`: values of case, machine, machine_name,
    target, isolation. `unit`: of its points, `s` or `ratio` to the anchor. `joins`: places before
    which another anchor was pinned."""

    where: Mapping[str, str]
    unit: str
    points: Sequence[Point]
    joins: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Series:
    """`where`, `unit`: as of a `Line`."""

    where: Mapping[str, str]
    unit: str
    points: Sequence[Point]
    levels: Levels

    @property
    def level(self) -> Level:
        """That of its last points."""
        if self.levels.present is None:
            raise ValueError("a series has a point at least")
        return self.levels.present

    def changed(self) -> Iterator[Changed]:
        ends = [0, *(each.at for each in self.levels.changes), len(self.points)]
        for place, change in enumerate(self.levels.changes, start=1):
            last, first = self.points[change.at - 1], self.points[change.at]
            before = self.points[max(ends[place - 1], change.at - NEAR) : change.at]
            after = self.points[change.at : min(ends[place + 1], change.at + NEAR)]
            yield Changed(
                where=self.where,
                unit=self.unit,
                change=change,
                last=last,
                first=first,
                differs={
                    name: (last.beside[name], first.beside[name])
                    for name in BESIDE
                    if last.beside[name] != first.beside[name]
                },
                runs_before=tuple(each.run for each in before),
                runs_after=tuple(each.run for each in after),
            )


def series_of_runs(columns: Columns, floor: Callable[[str], float]) -> Iterator[Series]:
    """As `lines_of_runs`. `floor`: of a case, the smallest change that matters."""
    return (_series(line, floor) for line in lines_of_runs(columns))


def series_of_nights(columns: Columns, floor: Callable[[str], float]) -> Iterator[Series]:
    """As `lines_of_nights`."""
    return (_series(line, floor) for line in lines_of_nights(columns))


def lines_of_runs(columns: Columns) -> Iterator[Line]:
    """`columns`: as `harness.store.series.read_series` orders them, of runs that were not measured
    in turns."""
    points_of = _Points(columns)
    for where, rows in _grouped(columns):
        points = points_of(rows, [columns["median_s"][row] for row in rows])
        yield Line(where=where, unit="s", points=points)


def lines_of_nights(columns: Columns) -> Iterator[Line]:
    """`columns`: as `harness.store.ratios.read_nights` orders them. Ratios to an anchor are made
    ratios to the one after it by what was measured of both when that was pinned; anchors that
    nothing ties begin a line of their own."""
    points_of = _Points(columns)
    for where, rows in _grouped(columns):
        for chain, steps in _chains(columns, rows):
            ratios = [columns["ratio"][row] for row in chain]
            values = [exp(log(ratio) - taken) for ratio, taken in zip(ratios, steps, strict=True)]
            anchors = [columns["anchor"][row] for row in chain]
            joins = [
                place
                for place, (one, other) in enumerate(pairwise(anchors), start=1)
                if one != other
            ]
            yield Line(where=where, unit="ratio", points=points_of(chain, values), joins=joins)


def _chains(columns: Columns, rows: Rows) -> Iterator[tuple[list[int], list[float]]]:
    """Nights of anchors that are tied to each other, the oldest first, and of each the logarithm
    that makes its ratio one to the chain's last anchor."""
    left: dict[int, list[int]] = {}
    for row in rows:
        left.setdefault(columns["anchor"][row], []).append(row)
    chains = []
    while left:
        anchor, step = next(reversed(left)), 0.0
        chain: list[int] = []
        steps: list[float] = []
        while nights := left.pop(anchor, None):
            chain, steps = nights + chain, [step] * len(nights) + steps
            ratio = columns["bridge_ratio"][nights[0]]
            if ratio is None:
                break
            anchor, step = columns["bridged_anchor"][nights[0]], step + log(ratio)
        chains.append((chain, steps))
    yield from reversed(chains)


def _grouped(columns: Columns) -> Iterator[tuple[Mapping[str, str], Rows]]:
    """The rows of each series, in their order: those of containers and of plain processes may take
    turns."""
    found: dict[tuple[str, ...], list[int]] = {}
    keys = zip(*(columns[name] for name in _SERIES), strict=True)
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    for key, rows in found.items():
        yield dict(zip(_SERIES, key, strict=True)), rows


def _series(line: Line, floor: Callable[[str], float]) -> Series:
    values = [each.value for each in line.points]
    found = levels(values, floor=floor(line.where["case"]), joins=line.joins)
    return Series(where=line.where, unit=line.unit, points=line.points, levels=found)


class _Points:
    """Points of rows. What is beside a run is kept once, however many cases it measured."""

    def __init__(self, columns: Columns) -> None:
        self._runs, self._started_at = columns["run"], columns["started_at"]
        told = list(zip(*(columns[name] for name in BESIDE), strict=True))
        known = {values: dict(zip(BESIDE, values, strict=True)) for values in set(told)}
        self._beside: list[Mapping[str, str | None]] = [known[values] for values in told]

    def __call__(self, rows: Rows, values: Sequence[float]) -> list[Point]:
        return [
            Point(
                run=self._runs[row],
                started_at=self._started_at[row],
                value=value,
                beside=self._beside[row],
            )
            for row, value in zip(rows, values, strict=True)
        ]
