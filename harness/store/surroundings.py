"""What stands beside measurements: the software and the noise of runs, and a case's compiled code.

Read of few runs, those beside changes: of all it would take longer than the series themselves.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from harness.store import filters as conditions
from harness.store.columns import among, by_id, columns_of
from harness.store.database import database_errors, open_for_reading
from harness.store.filters import Filters
from harness.store.names import Names, read_names
from harness.store.series import measured_query
from harness.store.tables import ENVIRONMENTS, LAUNCHES, MEASUREMENTS, PROGRAMS, RUNS

SOFTWARE = ("jaxlib", "gpu_driver", "kernel")
"""Of what a run's first launch said of its environment."""

SHARES = ("steal_share", "busy_share")
"""Of what is known of a launch's noise."""

_RUNS = 5000
"""In one statement: SQLite takes 32,766 parameters at most."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """By run, its name: of `SOFTWARE` what it said, and of `SHARES` the medians over its launches.
    `code`: by run and case, hashes of what it was compiled to. What nothing tells is not there."""

    software: Mapping[str, Mapping[str, str]]
    shares: Mapping[str, Mapping[str, float]]
    code: Mapping[tuple[str, str], frozenset[str]]


def list_surroundings(
    url: str, runs: Collection[str], measured: Collection[tuple[str, str]]
) -> Surroundings:
    """`runs`: whose software and noise is told. `measured`: runs with the case whose code is told.
    Raises `DatabaseFailure`."""
    engine = open_for_reading(url)
    try:
        with database_errors(url), engine.connect() as connection:
            return read_surroundings(connection, runs, measured)
    finally:
        engine.dispose()


def read_surroundings(
    connection: Connection, runs: Collection[str], measured: Collection[tuple[str, str]]
) -> Surroundings:
    """As `list_surroundings`."""
    launches = _launches(connection, _ids(connection, runs))
    return Surroundings(
        software=_software(connection, launches),
        shares={run: _shares(each) for run, each in launches.items()},
        code=_code(connection, measured),
    )


def _ids(connection: Connection, runs: Iterable[str]) -> dict[int, str]:
    """Names, by the ids of their rows."""
    found: dict[int, str] = {}
    for some in _batches(sorted(set(runs))):
        query = select(RUNS.c.id, RUNS.c.name).where(RUNS.c.name.in_(some))
        found |= {row.id: row.name for row in connection.execute(query)}
    return found


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _RUNS):
        yield values[start : start + _RUNS]


@dataclass(frozen=True, kw_only=True)
class _Launch:
    environment: int | None
    shares: tuple[float | None, ...]


def _launches(connection: Connection, runs: Mapping[int, str]) -> dict[str, list[_Launch]]:
    """Each run's, in order."""
    shares = [LAUNCHES.c.noise[name].as_float() for name in SHARES]
    query = select(LAUNCHES.c.run_id, LAUNCHES.c.environment_id, *shares)
    in_order = query.order_by(LAUNCHES.c.run_id, LAUNCHES.c.index, LAUNCHES.c.part)
    found: dict[str, list[_Launch]] = {}
    for some in _batches(list(runs)):
        rows = connection.execute(in_order.where(among(LAUNCHES.c.run_id, some)))
        for run, environment, *told in rows:
            launch = _Launch(environment=environment, shares=tuple(told))
            found.setdefault(runs[run], []).append(launch)
    return found


def _software(
    connection: Connection, launches: Mapping[str, Sequence[_Launch]]
) -> dict[str, dict[str, str]]:
    firsts = {run: _environment(each) for run, each in launches.items()}
    wanted = {key for key in firsts.values() if key is not None}
    told = [ENVIRONMENTS.c.facts[name].as_string() for name in SOFTWARE]
    keys, *columns = by_id(connection, ENVIRONMENTS, [ENVIRONMENTS.c.id, *told], wanted)
    facts = dict(zip(keys, zip(*columns, strict=True), strict=True))
    return {
        run: {name: text for name, text in zip(SOFTWARE, facts[key], strict=True) if text}
        for run, key in firsts.items()
        if key is not None
    }


def _environment(launches: Iterable[_Launch]) -> int | None:
    """Of the first that said."""
    return next((each.environment for each in launches if each.environment is not None), None)


def _shares(launches: Sequence[_Launch]) -> dict[str, float]:
    found = {}
    for place, name in enumerate(SHARES):
        known = [value for each in launches if (value := each.shares[place]) is not None]
        if known:
            found[name] = median(known)
    return found


def _code(
    connection: Connection, measured: Collection[tuple[str, str]]
) -> dict[tuple[str, str], frozenset[str]]:
    runs = _ids(connection, {run for run, _ in measured})
    names = read_names(connection)
    filters = Filters(cases={case for _, case in measured})
    found: dict[tuple[str, str], set[str]] = {}
    for some in _batches(sorted(runs)):
        for run, case, code in _programs(connection, filters, names, some):
            found.setdefault((runs[run], names.cases[case]), set()).add(code)
    return {key: frozenset(found[key]) for key in measured if key in found}


def _programs(
    connection: Connection, filters: Filters, names: Names, runs: Collection[int]
) -> Iterator[tuple[int, int, str]]:
    """Run, case and hash of each measurement that has one."""
    of_these = conditions.measured(filters, names, connection.dialect.name, runs)
    query = measured_query(of_these, [MEASUREMENTS.c.program_id])
    cases, run_ids, _, _, programs = columns_of(connection.execute(query))
    wanted = {key for key in programs if key is not None}
    code: dict[Any, Any] = dict(
        zip(
            *by_id(connection, PROGRAMS, [PROGRAMS.c.id, PROGRAMS.c.hlo_sha256], wanted),
            strict=True,
        )
    )
    for run, case, program in zip(run_ids, cases, programs, strict=True):
        if code.get(program) is not None:
            yield run, case, code[program]
