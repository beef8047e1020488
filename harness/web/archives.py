"""Archives that hold what one page needs, and no more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from harness.archive import Archive, runs_of
from harness.changes import Line, lines_of_nights, lines_of_runs, series_of_nights, series_of_runs
from harness.explained import explained_in
from harness.lives import read_columns
from harness.regressions import Regression, follow
from harness.report.site.cases import reaching_furthest
from harness.runner.abandoned import is_abandoned
from harness.store.abandoned import settled
from harness.store.circumstances import (
    read_failures,
    read_pairings,
    read_processes,
    read_skips,
)
from harness.store.columns import among
from harness.store.filters import Filters
from harness.store.ledger import read_kept
from harness.store.overview import read_runs, read_runs_of
from harness.store.pairings import Pairing, pairings_of, pairings_query
from harness.store.points import read_measured
from harness.store.reader import Run
from harness.store.tables import RUNS
from harness.web.resource import Judging
from harness.web.source import Reading


def of_nothing(reading: Reading) -> Archive:
    """The names of machines alone."""
    known = reading.known
    return Archive(
        runs={},
        measured={},
        series=(),
        changed=(),
        regressions=(),
        machines=known.machines,
        environments=known.environments,
        processes={},
        failures={},
        skips={},
        pairings=(),
    )


def of(reading: Reading, **parts: Any) -> Archive:
    """Of these parts."""
    return replace(of_nothing(reading), **parts)


def of_case(reading: Reading, case: str, filters: Filters, judging: Judging) -> Archive:
    """A case with its whole series. `filters`: where; of that case."""
    connection, names = reading.connection, reading.known.names
    runs, nights = read_columns(connection, filters, names)
    found = [*series_of_runs(runs, judging.floor), *series_of_nights(nights, judging.floor)]
    series = [each for each in found if each.where["case"] == case]
    changed = [each for one in series for each in one.changed()]
    measured = read_measured(connection, filters, names)
    columns = settled(connection, read_runs(connection, filters), is_abandoned)
    return replace(
        of_nothing(reading),
        runs=runs_of(columns),
        measured={case: measured.get(case, [])},
        series=series,
        changed=list(explained_in(connection, reading.reader, changed)),
    )


def of_run(reading: Reading, run: str) -> Archive:
    connection, names = reading.connection, reading.known.names
    filters = Filters(run=run)
    return replace(
        of_nothing(reading),
        runs=runs_of(settled(connection, read_runs(connection, filters), is_abandoned)),
        measured=read_measured(connection, filters, names),
        processes=read_processes(connection, filters, names),
        failures=read_failures(connection, filters, names),
        skips=read_skips(connection, filters, names),
        pairings=read_pairings(connection, filters, names),
    )


def runs_at(reading: Reading, ids: Collection[int]) -> dict[str, Run]:
    connection = reading.connection
    return runs_of(settled(connection, read_runs_of(connection, ids), is_abandoned))


def pairings_at(reading: Reading, ids: Collection[int]) -> Sequence[Pairing]:
    """Those of these rows of runs, on either side."""
    query = pairings_query(select(RUNS.c.id).where(among(RUNS.c.id, ids)))
    return list(pairings_of(reading.connection.execute(query).all()))


def lines_at(reading: Reading, filters: Filters) -> Mapping[str, Line]:
    """By case: of what is asked for, the line that reaches furthest."""
    runs, nights = read_columns(reading.connection, filters, reading.known.names)
    found: dict[str, list[Line]] = {}
    for line in (*lines_of_runs(runs), *lines_of_nights(nights)):
        found.setdefault(line.where["case"], []).append(line)
    return {case: reaching_furthest(lines) for case, lines in sorted(found.items())}


def regressions_kept(reading: Reading, filters: Filters, judging: Judging) -> Sequence[Regression]:
    """As they were kept when somebody looked at all series last: `jaxrig regressions announce`."""
    return follow((), read_kept(reading.connection, reading.known.names, filters), judging.floor)
