"""What is slower, and since when: of the first page, and in each case's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.report.changes import with_it
from harness.report.series import target_of
from harness.report.site import addresses
from harness.report.site.table import Cell, Table, number, said, told

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from harness.archive import Archive
    from harness.changes import Changed
    from harness.regressions import Regression


def regressions_table(archive: "Archive", runs: "Container[str] | None" = None) -> Table:
    """Those that are open, the newest first. `runs`: that have a page; None: the archive's."""
    runs = archive.runs if runs is None else runs
    return Table(
        name="regressions",
        caption="Open regressions",
        headers=("case", "where", "since (UTC)", "ratio", "state", "decided", "name", "with it"),
        rows=[_regression_row(archive, each, runs) for each in archive.open],
        numbers=frozenset({3}),
        note="`jaxrig regressions ack` and `ignore` decide on a regression by its name",
    )


def _regression_row(
    archive: "Archive", each: "Regression", runs: "Container[str]"
) -> tuple[Cell, ...]:
    decision = each.decision
    return (
        told(each.where["case"], addresses.of_case(each.where["case"])),
        told(_place(archive, each.where)),
        told(f"{each.started_at:%Y-%m-%d %H:%M}", _run(runs, each.run)),
        number(f"{each.ratio:.3f}", each.ratio),
        told(each.state + (", provisional" if each.is_provisional else "")),
        told("" if decision is None else f"{decision.who}: {decision.reason}"),
        told(each.name),
        told(_with_it(archive, each)),
    )


def _with_it(archive: "Archive", each: "Regression") -> str:
    """All that is known of its change, where its series shows it."""
    for changed in archive.changes.get(each.where["case"], ()):
        if (changed.where, changed.unit, changed.first.run) == (each.where, each.unit, each.run):
            return "; ".join(with_it(changed))
    return ""


def _run(runs: "Container[str]", run: str) -> str | None:
    """Its page, where it has one: runs are pruned, and regressions stay."""
    return addresses.of_run(run) if run in runs else None


def _place(archive: "Archive", where: "Mapping[str, str]") -> str:
    target = target_of(where["target"], where["isolation"])
    return f"{target} on {archive.machine_names[where['machine']]}"


def changes_table(archive: "Archive", changes: Iterable["Changed"]) -> Table:
    """Of a case."""
    return Table(
        name="changes",
        caption="Changes of its level",
        headers=("where", "change", "since (UTC)", "ratio", "interval", "with it"),
        rows=[_change_row(archive, each) for each in changes],
        numbers=frozenset({3}),
        note="with it: what else was another from the last run before to the first one after",
    )


def _change_row(archive: "Archive", each: "Changed") -> tuple[Cell, ...]:
    change = each.change
    interval = f"{change.low:.3f} to {change.high:.3f}"
    return (
        told(_place(archive, each.where)),
        said("slower" if change.ratio > 1 else "faster"),
        told(each.first.started_at[:16], _run(archive.runs, each.first.run)),
        number(f"{change.ratio:.3f}", change.ratio),
        told(interval + (", provisional" if change.provisional else "")),
        told("; ".join(with_it(each))),
    )
