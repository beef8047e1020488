"""Archives that hold what one page needs, and no more."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from harness.archive import Archive
from harness.explained import explained_in
from harness.store.circumstances import (
    read_failures,
    read_processes,
    read_processes_of,
    read_skips,
)
from harness.store.columns import among
from harness.store.filters import Filters
from harness.store.pairings import Pairing, pairings_of, pairings_query
from harness.store.places import Place
from harness.store.points import read_measured_by
from harness.store.reader import Run
from harness.store.tables import RUNS
from harness.store.text import storable
from harness.web.lines import series_of
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


def of_case(reading: Reading, case: str, place: Place, judging: Judging) -> Archive:
    """A case with its whole series there."""
    connection, names = reading.connection, reading.known.names
    there = reading.runs_there(place)
    found = read_measured_by(connection, names, there, reading.known.rows_of_case(case))
    measured = found.get(case, [])
    series = list(series_of(reading, case, place, measured, judging.floor))
    changed = [each for one in series for each in one.changed()]
    return of(
        reading,
        runs=runs_at(reading, there),
        measured={case: measured},
        series=series,
        changed=list(explained_in(connection, reading.reader, changed)),
    )


def of_run(reading: Reading, name: str) -> Archive:
    """Without it where there is none of that name. What there is none of is not looked for."""
    connection, names, filters = reading.connection, reading.known.names, Filters(run=name)
    ids = list(connection.execute(select(RUNS.c.id).where(RUNS.c.name == storable(name))).scalars())
    runs = runs_at(reading, ids)
    failed = any(run.failures for run in runs.values())
    skipped = any(run.skipped for run in runs.values())
    return of(
        reading,
        runs=runs,
        measured=read_measured_by(connection, names, ids, None),
        processes=read_processes(connection, filters, names)
        if failed
        else read_processes_of(connection, ids),
        failures=read_failures(connection, filters, names) if failed else {},
        skips=read_skips(connection, filters, names) if skipped else {},
        pairings=pairings_at(reading, ids),
    )


def runs_at(reading: Reading, ids: Collection[int]) -> dict[str, Run]:
    """By name, the one that began first first."""
    ordered = sorted(reading.runs(ids).items(), key=lambda item: (item[1].started_at, item[0]))
    return {run.run: run for _, run in ordered}


def pairings_at(reading: Reading, ids: Collection[int]) -> Sequence[Pairing]:
    """Those of these rows of runs, on either side."""
    if not reading.known.any_pairings:
        return []
    query = pairings_query(select(RUNS.c.id).where(among(RUNS.c.id, ids)))
    return list(pairings_of(reading.connection.execute(query).all()))
