"""Where each series is now: `jaxrig history --levels`."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.changes import amount
from harness.report.series import moment, target_of
from harness.report.view import View

if TYPE_CHECKING:
    from harness.changes import Series
    from harness.stats.changepoints import Level


def levels_view(series: Sequence["Series"], shown: Sequence["Series"]) -> View:
    """A row a series. `shown`: of `series`, those of this page."""
    records = [_record(each) for each in shown]
    return View(
        document=records,
        records=records,
        headers=(
            *("case", "machine", "target", "level", "interval", "spread", "since (UTC)"),
            *("changes", "points"),
        ),
        rows=[_row(each) for each in shown],
        notes=list(_notes(series, shown)),
        columns=("case", "machine", "target", "unit", "points", "level", "low", "high", "spread"),
    )


def _record(each: "Series") -> dict[str, Any]:
    level = each.level
    first = each.points[level.at]
    return {
        **each.where,
        "unit": each.unit,
        "points": len(each.points),
        "level": level.value,
        "low": level.low,
        "high": level.high,
        "spread": level.spread,
        "run": first.run,
        "started_at": moment(first.started_at),
        "git_commit": first.beside["git_commit"],
        "changes": len(each.levels.changes),
        "few": each.levels.few,
    }


def _row(each: "Series") -> tuple[str, ...]:
    level, where = each.level, each.where
    return (
        where["case"],
        f"{where['machine']} ({where['machine_name']})",
        target_of(where["target"], where["isolation"]),
        amount(level.value, each.unit),
        _interval(level),
        "" if level.spread is None else quantity.percent(level.spread),
        each.points[level.at].started_at[:19],
        str(len(each.levels.changes)),
        f"{len(each.points)}{', few' if each.levels.few else ''}",
    )


def _interval(level: "Level") -> str:
    """On either side of the level, which is in its middle as a ratio."""
    if level.low is None or level.high is None:
        return ""
    return f"± {quantity.percent(sqrt(level.high / level.low) - 1)}"


def _notes(series: Sequence["Series"], shown: Sequence["Series"]) -> Iterator[str]:
    yield f"{len(series)} series; the spread is that of a point about the level"
    if any(each.unit == "ratio" for each in shown):
        yield "levels without a unit are ratios of nights to their anchor"
    if any(each.levels.few for each in shown):
        yield "few: too few points for a change to be found"
