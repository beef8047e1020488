"""Since when cases take another time: `jaxrig history --changes`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.series import moment, target_of
from harness.report.view import View

if TYPE_CHECKING:
    from harness.changes import Changed, Series

_SHOWN = 12
"""Characters of a digest or a commit that a person reads."""


def changes_view(series: Sequence["Series"], shown: Sequence["Changed"]) -> View:
    """A row a change. `shown`: of `series`, those of this page."""
    records = [_record(each) for each in shown]
    return View(
        document=records,
        records=records,
        headers=("case", "machine", "target", "since (UTC)", "before", "after", "ratio", "with it"),
        rows=[_row(each) for each in shown],
        notes=list(_notes(series, shown)),
        columns=("case", "machine", "target", "run", "started_at", "ratio", "low", "high"),
    )


def _record(each: "Changed") -> dict[str, Any]:
    change = asdict(each.change)
    del change["at"]  # a place in the series, which is not told
    return {
        **each.where,
        "unit": each.unit,
        **change,
        "run": each.first.run,
        "started_at": moment(each.first.started_at),
        "last_run": each.last.run,
        "last_started_at": moment(each.last.started_at),
        "differs": {name: list(values) for name, values in each.differs.items()},
    }


def _row(each: "Changed") -> tuple[str, ...]:
    where, change = each.where, each.change
    return (
        where["case"],
        f"{where['machine']} ({where['machine_name']})",
        target_of(where["target"], where["isolation"]),
        each.first.started_at[:19],
        _shown(change.before, each.unit),
        _shown(change.after, each.unit),
        f"{change.ratio:.3f} ({change.low:.3f} to {change.high:.3f})"
        + (", provisional" if change.provisional else ""),
        with_it(each),
    )


def with_it(each: "Changed") -> str:
    """What else was another there, in words."""
    return ", ".join(
        f"{name} {_short(name, before)} → {_short(name, after)}"
        for name, (before, after) in each.differs.items()
    )


def _shown(value: float, unit: str) -> str:
    return quantity.seconds(value) if unit == "s" else f"{value:.3f} of the anchor"


def _short(name: str, text: str | None) -> str:
    if text is None:
        return "unknown"
    return text.removeprefix("sha256:")[:_SHOWN] if name in ("image", "git_commit") else text


def _notes(series: Sequence["Series"], shown: Sequence["Changed"]) -> Iterator[str]:
    few = sum(each.levels.few for each in series)
    yield f"{len(series)} series were looked at" + (
        f", {few} of them with too few runs for a change to be found" if few else ""
    )
    if any(each.change.provisional for each in shown):
        yield "provisional: so few runs are after it that later ones may take it back"
