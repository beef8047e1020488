"""Machines side by side, and what each can do at most."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.ceilings import ceilings_view
from harness.report.site.facts import place_of, run_cell
from harness.report.site.table import Cell, Table, number, told
from workloads.catalog import CEILINGS

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.roofline.ceilings import Hardware, Timed
    from harness.store.reader import MachineSummary, Run

CeilingsOf = Callable[["Run"], "tuple[Hardware, Sequence[Timed]] | None"]


@dataclass(frozen=True, kw_only=True)
class MachinesPage:
    """`ceilings`: a table a run that measured some, with where that was."""

    facts: Table
    ceilings: Sequence[tuple[str, Cell, Table]]


def machines_page(
    archive: "Archive",
    ceilings_of: CeilingsOf,
    machines: "Sequence[MachineSummary] | None" = None,
) -> MachinesPage:
    """`machines`: None: those that the archive has runs of."""
    if machines is None:
        seen = {run.machine for run in archive.runs.values()}
        machines = [each for each in archive.machines if each.machine in seen]
    return MachinesPage(
        facts=_facts(archive, machines), ceilings=list(_ceilings(archive, ceilings_of))
    )


def _facts(archive: "Archive", machines: "Sequence[MachineSummary]") -> Table:
    """A column a machine, a row a fact: side by side they compare."""
    names = list(dict.fromkeys(name for each in machines for name in each.facts))
    own = [("fingerprint", _fingerprint), ("runs", _runs), ("first seen (UTC)", _first_seen)]
    rows = [(told(name), *(told(read(each)) for each in machines)) for name, read in own]
    rows += [
        (told(name.replace("_", " ")), *(told(_words(each.facts.get(name))) for each in machines))
        for name in names
    ]
    return Table(
        name="facts",
        caption="Fingerprints",
        headers=("fact", *(archive.machine_names[each.machine] for each in machines)),
        rows=rows,
    )


def _fingerprint(machine: "MachineSummary") -> str:
    same = f" (counts as {machine.same_as})" if machine.same_as else ""
    return machine.machine + same


def _runs(machine: "MachineSummary") -> str:
    return f"{machine.runs:,}"


def _first_seen(machine: "MachineSummary") -> str:
    return quantity.moment(machine.first_seen_at)


def _words(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_words, value)) or "none"
    return str(value)


def _ceilings(archive: "Archive", ceilings_of: CeilingsOf) -> Iterator[tuple[str, Cell, Table]]:
    """Of each place the newest that are complete."""
    done = set()
    for run in reversed(archive.runs.values()):
        place = archive.place_of(run)
        if run.suite != CEILINGS or place in done:
            continue
        found = ceilings_of(run)
        if found is not None:
            done.add(place)
            yield place_of(archive, run), run_cell(run), _of_run(run, *found)


def _of_run(run: "Run", machine: "Hardware", timed: "Sequence[Timed]") -> Table:
    view = ceilings_view(run.run, machine, timed)
    values = [record["value"] for record in view.records]
    return Table(
        name=f"ceilings-{run.run}",
        caption=f"Ceilings, as {run.run} measured them",
        headers=view.headers,
        rows=[
            (told(row[0]), told(row[1]), number(row[2], value), told(row[3]), told(row[4]))
            for row, value in zip(view.rows, values, strict=False)  # the records go on: points
        ],
        numbers=frozenset({2, 3, 4}),
    )
