"""Runs that another program measured, on their way into the database: one transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, insert, literal, or_, select

from harness.errors import UsageError
from harness.store.copying import refusals, stored, take_turn
from harness.store.models import (
    CaseRow,
    FailureRow,
    ImportRow,
    LaunchRow,
    MeasurementRow,
    RunRow,
    SkipRow,
)
from harness.store.naming import free_name
from harness.store.packing import pack
from harness.store.shared import SharedRows
from harness.store.writer import Store

Columns = Mapping[str, Any]
_Told = tuple[int | None, str | None, float | None]

FORGOTTEN = "import"
"""As the owner of a run: no process that could still be writing it."""


@dataclass(frozen=True, kw_only=True)
class ImportedMeasurement:
    """Columns of `CaseRow` and `BenchmarkRow` but for `id` and `sha256`; `measurement` are those of
    `MeasurementRow` that are told, without keys; `samples_s` are None where there are none."""

    case: Columns
    benchmark: Columns
    samples_s: Sequence[float] | None
    measurement: Columns


@dataclass(frozen=True, kw_only=True)
class ImportedLaunch:
    environment: Columns
    started_at: datetime
    measurements: Sequence[ImportedMeasurement]


@dataclass(frozen=True, kw_only=True)
class ImportedRun:
    """`machine`: columns of `MachineRow`; `run`: those of `RunRow` that are no keys; `origin`: of
    `ImportRow`. `failures` are (case, message), `skips` are (case, reason). `grows`: the file is
    written anew as more is measured, so that a run of what it told before may be there."""

    uuid: UUID
    name: str
    machine: Columns
    run: Columns
    origin: Columns
    cases: Sequence[str]
    launches: Sequence[ImportedLaunch]
    failures: Sequence[tuple[str | None, str]] = ()
    skips: Sequence[tuple[str, str]] = ()
    grows: bool = False


@dataclass(frozen=True, kw_only=True)
class Added:
    """What came of it: the run's name here; `new`: it was not there before. `replaced`: runs of
    what its file told earlier, whose place it took; `others`: those that stay beside it."""

    name: str
    new: bool
    replaced: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def add_import(store: Store, run: ImportedRun) -> Added:
    """Keeps a run, once. Raises `DatabaseFailure`, and `UsageError` for what no database takes."""

    def work(connection: Connection, shared: SharedRows) -> Added:
        take_turn(connection)
        known = connection.scalar(select(RunRow.name).where(RunRow.uuid == run.uuid))
        if known is not None:
            return Added(name=str(known), new=False)
        with refusals(_cannot_be_stored):
            return _add(connection, shared, run)

    return store.within(work)


def _cannot_be_stored(problem: str) -> UsageError:
    return UsageError(f"it cannot be stored: {problem}")


def _add(connection: Connection, shared: SharedRows, run: ImportedRun) -> Added:
    machine = shared.machine(connection, **run.machine)
    states = _states(connection, run, machine) if run.grows else []
    for state in states:
        if state.holds(run):
            return Added(name=state.name, new=False)
    gone = [state for state in states if state.is_in(run)]
    if gone:
        connection.execute(delete(RunRow).where(RunRow.id.in_([state.id for state in gone])))
    name = free_name(connection, run.name)
    _add_run(connection, shared, run, name, machine)
    return Added(
        name=name,
        new=True,
        replaced=tuple(state.name for state in gone),
        others=tuple(state.name for state in states if state not in gone),
    )


@dataclass(frozen=True, kw_only=True)
class _State:
    """A run of the same file's, as it may have been before. `told`: (launch, case, median in
    seconds); of what failed or was skipped without a launch and a median."""

    id: int
    name: str
    same_commit: bool
    told: frozenset[_Told]

    def holds(self, run: ImportedRun) -> bool:
        """Whether the run tells something, and nothing beyond it."""
        return bool(told := _told_by(run)) and told <= self.told

    def is_in(self, run: ImportedRun) -> bool:
        """Whether the run tells all of it; of one commit it may have been measured again."""
        if self.same_commit:
            return {case for _, case, _ in self.told} <= set(run.cases)
        return bool(self.told) and self.told <= _told_by(run)


def _states(connection: Connection, run: ImportedRun, machine: int) -> list[_State]:
    """Of the same machine; and of the same beginning, or of the same commit in a file of the same
    name."""
    file, commit = ImportRow.file == run.origin["file"], run.run["git_commit"]
    same_commit = and_(file, RunRow.git_commit == commit) if commit else literal(False)
    query = (
        select(RunRow.id, RunRow.name, same_commit.label("same_commit"))
        .join(ImportRow, ImportRow.run_id == RunRow.id)
        .where(
            ImportRow.format == run.origin["format"],
            RunRow.machine_id == machine,
            or_(RunRow.started_at == run.run["started_at"], same_commit),
        )
        .order_by(RunRow.id)
    )
    return [
        _State(
            id=row.id,
            name=row.name,
            same_commit=bool(row.same_commit),
            told=_told_in(connection, row.id),
        )
        for row in connection.execute(query).all()
    ]


def _told_by(run: ImportedRun) -> frozenset[_Told]:
    measured = (
        (index, str(each.case["name"]), float(each.measurement["median_s"]))
        for index, launch in enumerate(run.launches)
        for each in launch.measurements
    )
    return frozenset((*measured, *((None, case, None) for case, _ in (*run.failures, *run.skips))))


def _told_in(connection: Connection, run: int) -> frozenset[_Told]:
    measured = (
        select(LaunchRow.index, CaseRow.name, MeasurementRow.median_s)
        .join(MeasurementRow, MeasurementRow.launch_id == LaunchRow.id)
        .join(CaseRow, MeasurementRow.case_id == CaseRow.id)
        .where(LaunchRow.run_id == run)
    )
    failed = select(FailureRow.case).where(FailureRow.run_id == run)
    skipped = select(SkipRow.case).join(LaunchRow, SkipRow.launch_id == LaunchRow.id)
    cases = (
        *connection.scalars(failed),
        *connection.scalars(skipped.where(LaunchRow.run_id == run)),
    )
    rows = ((index, case, median_s) for index, case, median_s in connection.execute(measured))
    return frozenset((*rows, *((None, case, None) for case in cases)))


def _add_run(
    connection: Connection, shared: SharedRows, run: ImportedRun, name: str, machine: int
) -> None:
    values = {
        "uuid": run.uuid,
        "name": name,
        "machine_id": machine,
        "selection_id": shared.selection(connection, list(run.cases)),
        "owner": FORGOTTEN,
        **run.run,
    }
    key = connection.scalar(insert(RunRow).values(values).returning(RunRow.id))
    origin = {"run_id": key, "imported_at": datetime.now(UTC), **run.origin}
    connection.execute(insert(ImportRow).values(origin))
    launches = [
        _add_launch(connection, shared, launch, run_id=key, index=index, status=run.run["status"])
        for index, launch in enumerate(run.launches)
    ]
    first = launches[0] if launches else None
    skips = [{"launch_id": first, "case": case, "reason": reason} for case, reason in run.skips]
    if skips and first is not None:
        connection.execute(insert(stored(SkipRow)), skips)
    failures = [
        {
            "run_id": key,
            "launch_id": first,
            "case": case,
            "kind": "raised",
            "message": message,
            "happened_at": run.run["started_at"],
        }
        for case, message in run.failures
    ]
    if failures:
        connection.execute(insert(stored(FailureRow)), failures)


def _add_launch(
    connection: Connection, shared: SharedRows, launch: ImportedLaunch, **values: Any
) -> int:
    values |= {
        "part": 0,
        "limits": {},
        "env": {},
        "environment_id": shared.environment(connection, launch.environment),
        "started_at": launch.started_at,
    }
    key = connection.execute(insert(LaunchRow).values(values).returning(LaunchRow.id)).scalar_one()
    rows = [
        {
            "launch_id": key,
            "case_id": shared.case(connection, **each.case),
            "benchmark_id": shared.benchmark(connection, **each.benchmark),
            "samples_s": None
            if each.samples_s is None
            else pack(each.samples_s, each.measurement["calls_per_round"] or 1),
            **each.measurement,
        }
        for each in launch.measurements
    ]
    if rows:
        connection.execute(insert(stored(MeasurementRow)), rows)
    return int(key)
