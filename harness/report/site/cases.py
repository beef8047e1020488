"""Cases: all of them with a line of their history each, and each one's page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report import quantity
from harness.report.series import target_of
from harness.report.site import addresses
from harness.report.site.facts import place_of, run_cell, seconds, short, size, started
from harness.report.site.regressions import changes_table
from harness.report.site.sparkline import sparkline
from harness.report.site.table import NOTHING, Cell, Table, number, said, told

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.changes import Series
    from harness.store.points import Measured

MOST_POINTS = 200
"""Rows of the table behind a plot, the newest ones: the plot has all of them."""

BAND = (10, 90)
"""Percentiles of a level's points that its band shows."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A case's line in a table: its values in order, in `unit` (as of a `Series`)."""

    unit: str
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """`plot`: what the page's script draws (see `site.js`)."""

    case: str
    facts: Sequence[tuple[str, str]]
    changes: Table
    points: Table
    plot: Mapping[str, Any]


def cases_table(archive: "Archive", most: int | None = None) -> Table:
    """A row a case: the series that reaches furthest, and how many others there are. With `most`
    those with a regression come first."""
    of_cases = series_by_case(archive)
    slower = {each.where["case"] for each in archive.open}
    names = sorted(archive.measured, key=lambda case: (case not in slower, case))
    chosen = sorted(names if most is None else names[:most])
    left = len(names) - len(chosen)
    return Table(
        name="cases",
        caption="Cases",
        headers=("case", "history", "newest", "fastest", "slowest", "series", "regressions"),
        rows=[_case_row(archive, case, of_cases.get(case, ())) for case in chosen],
        numbers=frozenset({2, 3, 4, 5, 6}),
        note=f"and {left:,} more: see all cases" if left else "",
    )


def series_by_case(archive: "Archive") -> dict[str, list["Series"]]:
    found: dict[str, list[Series]] = {}
    for each in archive.series:
        found.setdefault(each.where["case"], []).append(each)
    return found


def _case_row(archive: "Archive", case: str, series: Sequence["Series"]) -> tuple[Cell, ...]:
    link, marked = told(case, addresses.of_case(case)), _open_ones(archive, case)
    if not series:  # measured in turns alone, and in no night
        newest = archive.measured[case][-1].median_s
        return (link, NOTHING, seconds(newest), NOTHING, NOTHING, number("0", 0), marked)
    longest = max(series, key=lambda each: (each.points[-1].started_at, len(each.points)))
    line = Drawn(unit=longest.unit, values=[point.value for point in longest.points])
    drawn = _drawn(line, [change.at for change in longest.levels.changes])
    return (link, *drawn, number(str(len(series)), len(series)), marked)


def lines_table(
    archive: "Archive",
    lines: Mapping[str, Drawn | None],
    *,
    caption: str,
    asked: Sequence[tuple[str, str]],
) -> Table:
    """A row a case, in the order of `lines`: its line, None of what was measured in turns alone and
    in no night. `asked`: of each case's page."""
    return Table(
        name="cases",
        caption=caption,
        headers=("case", "history", "newest", "fastest", "slowest", "regressions"),
        rows=[
            (
                told(case, addresses.asking(addresses.of_case(case), asked)),
                *((NOTHING,) * 4 if line is None else _drawn(line)),
                _open_ones(archive, case),
            )
            for case, line in lines.items()
        ],
        numbers=frozenset({2, 3, 4, 5}),
        note="regressions: on whichever machine, as they were kept",
    )


def _drawn(line: Drawn, changes: Sequence[int] = ()) -> tuple[Cell, ...]:
    """The line, and its newest, smallest and largest values."""
    values, shown = line.values, _value(line.unit)
    drawn = Cell(text="", html=sparkline(values, changes))
    return (drawn, shown(values[-1]), shown(min(values)), shown(max(values)))


def _open_ones(archive: "Archive", case: str) -> Cell:
    count = sum(each.where["case"] == case for each in archive.open)
    return Cell(text=str(count), sort=count, kind="slower" if count else None)


def _value(unit: str) -> Any:
    return seconds if unit == "s" else _of_anchor


def _of_anchor(value: float) -> Cell:
    return number(f"{value:.3f} of the anchor", value)


def case_page(archive: "Archive", case: str, series: Sequence["Series"]) -> CasePage:
    measured = archive.measured.get(case, ())
    return CasePage(
        case=case,
        facts=list(_facts(archive, measured, series)),
        changes=changes_table(archive, archive.changes.get(case, ())),
        points=_points(archive, measured),
        plot=_plot(archive, measured, series),
    )


def _facts(
    archive: "Archive", measured: Sequence["Measured"], series: Sequence["Series"]
) -> Iterator[tuple[str, str]]:
    yield "runs", f"{len(measured):,}"
    yield "series", str(len(series))
    for each in measured[-1:]:
        where = place_of(archive, archive.runs[each.run])
        yield "newest", f"{quantity.seconds(each.median_s)}, {where}"
    yield "programs", str(len({each.hlo for each in measured if each.hlo}))


def _points(archive: "Archive", measured: Sequence["Measured"]) -> Table:
    newest = measured[: -MOST_POINTS - 1 : -1]
    more = len(measured) - len(newest)
    return Table(
        name="points",
        caption="Runs, the newest first",
        headers=(
            *("began (UTC)", "run", "where", "status", "median", "launches"),
            *("compile time", "peak memory", "image", "commit", "JAX", "program"),
        ),
        rows=[_point_row(archive, each) for each in newest],
        numbers=frozenset({4, 6, 7}),
        note=f"and {more:,} older ones: `jaxrig history` lists them all" if more else "",
    )


def _point_row(archive: "Archive", each: "Measured") -> tuple[Cell, ...]:
    run = archive.runs[each.run]
    environment = archive.environments.get(each.environment or 0, {})
    return (
        told(started(run)),
        run_cell(run),
        told(place_of(archive, run)),
        said(run.status),
        seconds(each.median_s),
        told(", ".join(map(quantity.seconds, each.medians_s))),
        seconds(each.compile_time_s),
        size(each.peak_bytes),
        told(short(run.image)),
        told(short(run.git_commit)),
        told(environment.get("jax") or ""),
        told(short(each.hlo)),
    )


def _plot(
    archive: "Archive", measured: Sequence["Measured"], series: Sequence["Series"]
) -> Mapping[str, Any]:
    by_run = {each.run: each for each in measured}
    return {"series": [_line(archive, each, by_run) for each in series]}


def _line(archive: "Archive", series: "Series", by_run: Mapping[str, "Measured"]) -> dict[str, Any]:
    where = series.where
    target = target_of(where["target"], where["isolation"])
    points = [(point, by_run.get(point.run)) for point in series.points]
    return {
        "name": f"{target} on {archive.machine_names[where['machine']]}"
        + (" (nights)" if series.unit == "ratio" else ""),
        "unit": series.unit,
        "at": [point.started_at[:19] for point, _ in points],
        "value": [_digits(point.value) for point, _ in points],
        "median": [_digits(each.median_s) if each else None for _, each in points],
        "launches": [[_digits(s) for s in each.medians_s] if each else [] for _, each in points],
        "compile": [_digits(each.compile_time_s) if each else None for _, each in points],
        "memory": [each.peak_bytes if each else None for _, each in points],
        "run": [point.run for point, _ in points],
        "page": [addresses.of_run(point.run) for point, _ in points],
        "image": [short(point.beside["image"]) for point, _ in points],
        "commit": [short(point.beside["git_commit"]) for point, _ in points],
        "jax": [point.beside["jax"] or "" for point, _ in points],
        "program": [short(each.hlo) if each else "" for _, each in points],
        "levels": list(_levels(series)),
        "changes": [
            {
                "at": change.at,
                "ratio": round(change.ratio, 4),
                "low": round(change.low, 4),
                "high": round(change.high, 4),
                "provisional": change.provisional,
            }
            for change in series.levels.changes
        ],
    }


def _levels(series: "Series") -> Iterator[dict[str, Any]]:
    """Stretches of one level: the places of their first and last point, and percentiles."""
    values = np.array([point.value for point in series.points])
    ends = [0, *(change.at for change in series.levels.changes), len(values)]
    for start, end in pairwise(ends):
        low, middle, high = np.percentile(values[start:end], [BAND[0], 50, BAND[1]])
        yield {
            "first": start,
            "last": end - 1,
            "low": _digits(low),
            "middle": _digits(middle),
            "high": _digits(high),
        }


def _digits(value: float | None) -> float | None:
    """As many as a plot shows."""
    return None if value is None else float(f"{value:.6g}")
