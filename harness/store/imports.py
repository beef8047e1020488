"""Runs that another program measured, on their way into the database: one transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from harness.store.copying import stored
from harness.store.models import (
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
    `ImportRow`. `failures` are (case, message), `skips` are (case, reason)."""

    uuid: UUID
    name: str
    machine: Columns
    run: Columns
    origin: Columns
    cases: Sequence[str]
    launches: Sequence[ImportedLaunch]
    failures: Sequence[tuple[str | None, str]] = ()
    skips: Sequence[tuple[str, str]] = ()


def add_import(store: Store, run: ImportedRun) -> tuple[str, bool]:
    """The run's name here, and whether it is new. Raises `DatabaseFailure`."""

    def work(connection: Connection, shared: SharedRows) -> tuple[str, bool]:
        known = connection.scalar(select(RunRow.name).where(RunRow.uuid == run.uuid))
        if known is not None:
            return str(known), False
        name = free_name(connection, run.name)
        _add_run(connection, shared, run, name)
        return name, True

    return store.within(work)


def _add_run(connection: Connection, shared: SharedRows, run: ImportedRun, name: str) -> None:
    values = {
        "uuid": run.uuid,
        "name": name,
        "machine_id": shared.machine(connection, **run.machine),
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
            else pack(each.samples_s, each.measurement["calls_per_round"]),
            **each.measurement,
        }
        for each in launch.measurements
    ]
    if rows:
        connection.execute(insert(stored(MeasurementRow)), rows)
    return int(key)
