"""Every measurement in a few numbers: what a report shows of many runs at once.

Each table is read once, and joined by numbers: joined by the database, a row would have to tell all
that it refers to.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import Connection, Result

from harness.store import filters as conditions
from harness.store.columns import Columns, by_id, columns_of, told_later
from harness.store.filters import Filters
from harness.store.metrics import metrics_named
from harness.store.names import Names
from harness.store.reader import Run
from harness.store.series import launched_by, measured_query
from harness.store.tables import LAUNCHES, MEASUREMENTS, PROGRAMS, RUNS

_COMPILE_TIME, _MEMORY = metrics_named(["compile_time", "memory"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A case in a run. `medians_s`: of each launch, over its samples, in the order of launches;
    `median_s`, `compile_time_s`, `peak_bytes`: over the launches, the last two None where none
    tells them; `hlo`: the hash of what it was compiled to; `environment`: a key of the launches'
    environments."""

    run: str
    medians_s: tuple[float, ...]
    median_s: float
    compile_time_s: float | None
    peak_bytes: float | None
    hlo: str | None
    environment: int | None


def as_series(
    measured: Mapping[str, Sequence[Measured]], runs: Mapping[str, Run], names: Names
) -> Columns:
    """The columns and the order of `harness.store.series.read_series` that series are made of, of
    what was read already. `runs`: by name; no others are told."""
    host_names = {each.fingerprint: each.name for each in names.machines.values()}
    rows = [
        (case, runs[each.run], each)
        for case in sorted(measured)
        for each in sorted(
            (each for each in measured[case] if each.run in runs),
            key=lambda each: (runs[each.run].machine, runs[each.run].target),
        )
    ]
    starts = {run.run: began(run) for run in runs.values()}
    return {
        "case": [case for case, _, _ in rows],
        "machine": [run.machine for _, run, _ in rows],
        "machine_name": [host_names[run.machine] for _, run, _ in rows],
        "target": [run.target for _, run, _ in rows],
        "isolation": [run.isolation for _, run, _ in rows],
        "run": [run.run for _, run, _ in rows],
        "started_at": [starts[run.run] for _, run, _ in rows],
        "median_s": [each.median_s for _, _, each in rows],
        "image": [run.image for _, run, _ in rows],
        "jax": [names.jax.get(each.environment or 0) for _, _, each in rows],
        "git_commit": [run.git_commit for _, run, _ in rows],
        "suite": [run.suite for _, run, _ in rows],
    }


def began(run: Run) -> str:
    """As series tell it: UTC, ISO 8601 with a space."""
    return run.started_at.replace(tzinfo=None).isoformat(" ", "microseconds")


_OWN = (*_COMPILE_TIME.reads, *_MEMORY.reads)
_READS = (
    *(MEASUREMENTS.c.program_id, LAUNCHES.c.index, LAUNCHES.c.part),
    *(MEASUREMENTS.c[name] for name in _OWN),
)


def read_measured(
    connection: Connection, filters: Filters, names: Names
) -> Mapping[str, list[Measured]]:
    """By case, in the order of names; of each the runs in the order in which they began."""
    of_measurements = conditions.measured(filters, names, connection.dialect.name)
    return _told(connection, connection.execute(measured_query(of_measurements, _READS)), names)


def read_measured_by(
    connection: Connection, names: Names, runs: Collection[int], cases: Collection[int] | None
) -> Mapping[str, list[Measured]]:
    """As `read_measured`, of the rows of these runs, and of cases; None: whichever."""
    statement = _BY_RUN if cases is None else _BY_RUN_AND_CASE
    told = {"runs": list(runs)} if cases is None else {"runs": list(runs), "cases": list(cases)}
    return _told(connection, connection.execute(statement, told), names)


_BY_RUN = measured_query([launched_by("runs")], _READS)
_BY_RUN_AND_CASE = _BY_RUN.where(told_later(MEASUREMENTS.c.case_id, "cases"))


def _told(
    connection: Connection, result: Result[*tuple[Any, ...]], names: Names
) -> Mapping[str, list[Measured]]:
    cases, runs, environments, medians_s, programs, *rest = columns_of(result)
    launches, parts, *facts = rest
    stages = len(_COMPILE_TIME.reads)
    compile_s = list(map(_COMPILE_TIME.value, *facts[:stages]))
    peaks = list(map(_MEMORY.value, *facts[stages:]))
    hlo = _programs(connection, programs)
    run_names, places = _runs(connection, runs)
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, (case, run) in enumerate(zip(cases, runs, strict=True)):
        found[names.cases[case], places[run]].append(row)
    measured: dict[str, list[Measured]] = {}
    for (case_name, _), rows in sorted(found.items(), key=lambda item: item[0]):
        if len(rows) > 1:
            rows.sort(key=lambda row: (launches[row], parts[row]))
        first, of_launches = rows[0], tuple(medians_s[row] for row in rows)
        measured.setdefault(case_name, []).append(
            Measured(
                run=run_names[runs[first]],
                medians_s=of_launches,
                median_s=of_launches[0] if len(rows) == 1 else median(of_launches),
                compile_time_s=_over([compile_s[row] for row in rows]),
                peak_bytes=_over([peaks[row] for row in rows]),
                hlo=hlo.get(programs[first]),
                environment=environments[first],
            )
        )
    return measured


def _over(values: list[float | None]) -> float | None:
    if len(values) == 1:
        return values[0]
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _programs(connection: Connection, ids: Collection[int | None]) -> Mapping[int | None, str]:
    wanted = {key for key in ids if key is not None}
    keys, hashes = by_id(connection, PROGRAMS, [PROGRAMS.c.id, PROGRAMS.c.hlo_sha256], wanted)
    return dict(zip(keys, hashes, strict=True))


def _runs(connection: Connection, ids: Collection[int]) -> tuple[dict[int, str], dict[int, int]]:
    """Names, and places in the order of their start, by id."""
    told = [RUNS.c.id, RUNS.c.name, RUNS.c.started_at]
    keys, names, started = by_id(connection, RUNS, told, set(ids))
    ordered = sorted(range(len(keys)), key=lambda row: (started[row], keys[row]))
    places = {keys[row]: place for place, row in enumerate(ordered)}
    return dict(zip(keys, names, strict=True)), places
