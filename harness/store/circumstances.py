"""What is known of many runs beside what they measured: software, launches, what failed, what was
skipped, and what was said of them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Result, Select, select

from harness.store import filters as conditions
from harness.store.columns import told_later
from harness.store.filters import Filters
from harness.store.models import EnvironmentRow, FailureRow, LaunchRow, RunRow, SkipRow
from harness.store.names import Names
from harness.store.pairings import Pairing, pairings_of, pairings_query
from harness.store.reader import Failure, Skip
from harness.store.tables import RUNS

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A container process: `launch` and `part` from 0. `environment`: a key of
    `read_environments`; `noise`: what the machine did meanwhile; `log`: the end of its stderr,
    where something of its run failed."""

    launch: int
    part: int
    status: str
    exit_code: int | None
    environment: int | None
    limits: Mapping[str, Any]
    noise: Mapping[str, Any]
    log: str | None


def read_environments(connection: Connection) -> Mapping[int, Mapping[str, Any]]:
    """What launches said of their software and devices, by key: there are few."""
    query = select(EnvironmentRow.id, EnvironmentRow.facts)
    return {row.id: row.facts for row in connection.execute(query)}


def read_processes(
    connection: Connection, filters: Filters, names: Names
) -> Mapping[str, list[Process]]:
    """By run, in the order of launches."""
    runs = _runs(connection, filters, names)
    result = connection.execute(_PROCESSES.where(RunRow.id.in_(runs)))
    return _processes(result, _logs(connection, runs))


def read_processes_of(connection: Connection, runs: Collection[int]) -> Mapping[str, list[Process]]:
    """As `read_processes`, of rows of runs in which nothing failed: without a log."""
    return _processes(connection.execute(_PROCESSES_OF, {"runs": list(runs)}), {})


_PROCESSES = (
    select(
        RunRow.name.label("run"),
        LaunchRow.id.label("log"),  # becomes the log
        LaunchRow.index.label("launch"),
        LaunchRow.environment_id.label("environment"),
        LaunchRow.noise,
        *(LaunchRow.part, LaunchRow.status, LaunchRow.exit_code, LaunchRow.limits),
    )
    .join(RunRow, RunRow.id == LaunchRow.run_id)
    .order_by(LaunchRow.run_id, LaunchRow.index, LaunchRow.part)
)
_PROCESSES_OF = _PROCESSES.where(told_later(RunRow.__table__.c.id, "runs"))


def _processes(
    result: Result[*tuple[Any, ...]], logs: Mapping[int, str | None]
) -> Mapping[str, list[Process]]:
    rows = (row._asdict() for row in result)
    return _by_run(
        _told(row | {"log": logs.get(row["log"]), "noise": row["noise"] or {}}, Process)
        for row in rows
    )


def _logs(connection: Connection, runs: Select[int]) -> Mapping[int, str | None]:
    """Of all launches of runs in which something failed, by their ids: of others nobody asks."""
    failed = select(FailureRow.run_id).where(FailureRow.run_id.in_(runs))
    query = select(LaunchRow.id, LaunchRow.log).where(LaunchRow.run_id.in_(failed))
    return {row.id: row.log for row in connection.execute(query)}


def read_failures(
    connection: Connection, filters: Filters, names: Names
) -> Mapping[str, list[Failure]]:
    """By run, in order."""
    query = (
        select(
            RunRow.name.label("run"),
            FailureRow.case,
            FailureRow.kind,
            FailureRow.message,
            LaunchRow.index.label("launch"),
        )
        .join(RunRow, RunRow.id == FailureRow.run_id)
        .outerjoin(LaunchRow, LaunchRow.id == FailureRow.launch_id)
        .where(RunRow.id.in_(_runs(connection, filters, names)))
        .order_by(FailureRow.id)
    )
    return _by_run(_told(row._asdict(), Failure) for row in connection.execute(query))


def read_skips(connection: Connection, filters: Filters, names: Names) -> Mapping[str, list[Skip]]:
    """By run, in order."""
    query = (
        select(
            RunRow.name.label("run"),
            SkipRow.case,
            SkipRow.reason,
            LaunchRow.index.label("launch"),
        )
        .join(LaunchRow, LaunchRow.id == SkipRow.launch_id)
        .join(RunRow, RunRow.id == LaunchRow.run_id)
        .where(RunRow.id.in_(_runs(connection, filters, names)))
        .order_by(SkipRow.id)
    )
    return _by_run(_told(row._asdict(), Skip) for row in connection.execute(query))


def read_pairings(connection: Connection, filters: Filters, names: Names) -> list[Pairing]:
    """Those of these runs on either side, in order, with their verdicts."""
    query = pairings_query(_runs(connection, filters, names))
    return list(pairings_of(connection.execute(query).all()))


def _runs(connection: Connection, filters: Filters, names: Names) -> Select[int]:
    of_runs = conditions.runs(filters, names, connection.dialect.name)
    return select(RUNS.c.id).where(*of_runs)


def _told(row: dict[str, Any], kind: Callable[..., T]) -> tuple[str, T]:
    """The run's name, and what the other columns make."""
    return row.pop("run"), kind(**row)


def _by_run(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for run, each in pairs:
        found.setdefault(run, []).append(each)
    return found
