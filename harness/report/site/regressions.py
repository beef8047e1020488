"""What is slower, and since when: of the first page, and in each case's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.report.changes import with_it
from harness.report.series import target_of
from harness.report.site import addresses
from harness.report.site.table import Cell, Table, number, said, told

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.changes import Changed


def regressions_table(archive: "Archive") -> Table:
    """Those that are open, the newest first."""
    newest = sorted(archive.regressions, key=lambda each: each.first.started_at, reverse=True)
    return changes_table("regressions", "Open regressions", archive, newest)


def changes_table(
    name: str, caption: str, archive: "Archive", changes: Iterable["Changed"]
) -> Table:
    return Table(
        name=name,
        caption=caption,
        headers=("case", "where", "change", "since (UTC)", "ratio", "interval", "with it"),
        rows=[_row(archive, each) for each in changes],
        numbers=frozenset({4}),
        note="with it: what else was another from the last run before to the first one after",
    )


def _row(archive: "Archive", each: "Changed") -> tuple[Cell, ...]:
    where, change = each.where, each.change
    machine = archive.machine_names[where["machine"]]
    interval = f"{change.low:.3f} to {change.high:.3f}"
    return (
        told(where["case"], addresses.of_case(where["case"])),
        told(f"{target_of(where['target'], where['isolation'])} on {machine}"),
        said("slower" if change.ratio > 1 else "faster"),
        told(each.first.started_at[:16], addresses.of_run(each.first.run)),
        number(f"{change.ratio:.3f}", change.ratio),
        told(interval + (", provisional" if change.provisional else "")),
        told("; ".join(with_it(each))),
    )
