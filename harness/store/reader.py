"""The only reader. Small listings come as frozen dataclasses, numbers as DataFrames.

(pandas takes longer to import than `jaxrig runs` may take as a whole; it is loaded only where
a frame is asked for.)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.orm import Session

from harness.errors import UsageError
from harness.store.database import database_errors, open_for_reading
from harness.store.models import (
    EnvironmentRow,
    FailureRow,
    ImageRow,
    LaunchRow,
    MachineRow,
    MeasurementRow,
    RunRow,
)

if TYPE_CHECKING:
    import pandas as pd

_Query = Select[*tuple[Any, ...]]
_HIDDEN = {"id", "launch_id"}
_FEW_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A row of `jaxrig runs`. `machine` is the fingerprint, `image` the digest."""

    run: str
    status: str
    target: str
    platform: str
    isolation: str
    machine: str
    image: str | None
    suite: str
    started_at: datetime
    ended_at: datetime | None
    measurements: int
    failures: int
    launches_planned: int
    tags: dict[str, Any]
    git_commit: str | None
    git_dirty: bool | None
    jaxrig_version: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a run could not measure, and why. `launch` counts from 0."""

    case: str | None
    kind: str
    message: str
    launch: int | None


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One container process: limits, environment, noise and the end of its log."""

    launch: int
    part: int
    status: str
    exit_code: int | None
    limits: dict[str, Any]
    environment: dict[str, Any] | None
    noise: dict[str, Any] | None
    log: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class MachineSummary:
    """A machine and how many runs it has seen; `machine` is its fingerprint."""

    name: str
    machine: str
    facts: dict[str, Any]
    first_seen_at: datetime
    runs: int


class Reader:
    """Reads an existing database. Raises `DatabaseFailure`; `UsageError` for an unknown run."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine = open_for_reading(url)

    def runs(self, limit: int | None = None) -> list[Run]:
        """Runs, the newest first."""
        query = _runs_query().order_by(RunRow.started_at.desc(), RunRow.id.desc()).limit(limit)
        return [_run(row) for row in self._rows(query)]

    def run(self, reference: str) -> Run:
        """The run that `reference` names: a name, its unique beginning, `KEY=VALUE` (the newest
        with that tag), `latest`, or `latest~N`."""
        row = self._rows(_runs_query().where(RunRow.id == self._run_id(reference)))[0]
        return _run(row)

    def failures(self, reference: str) -> list[Failure]:
        """What the run could not measure, in order."""
        query = (
            select(
                FailureRow.case,
                FailureRow.kind,
                FailureRow.message,
                LaunchRow.index.label("launch"),
            )
            .outerjoin(LaunchRow, FailureRow.launch_id == LaunchRow.id)
            .where(FailureRow.run_id == self._run_id(reference))
            .order_by(FailureRow.id)
        )
        return [
            Failure(case=row.case, kind=row.kind, message=row.message, launch=row.launch)
            for row in self._rows(query)
        ]

    def launches(self, reference: str) -> list[Launch]:
        """The run's container processes, in order."""
        query = (
            select(LaunchRow, EnvironmentRow.facts)
            .outerjoin(EnvironmentRow, LaunchRow.environment_id == EnvironmentRow.id)
            .where(LaunchRow.run_id == self._run_id(reference))
            .order_by(LaunchRow.index, LaunchRow.part)
        )
        return [_launch(row.LaunchRow, row.facts) for row in self._rows(query)]

    def machines(self) -> list[MachineSummary]:
        """Every machine seen, the first seen first."""
        query = (
            select(MachineRow, func.count(RunRow.id).label("runs"))
            .outerjoin(RunRow, RunRow.machine_id == MachineRow.id)
            .group_by(MachineRow.id)
            .order_by(MachineRow.id)
        )
        return [
            MachineSummary(
                name=row.MachineRow.name,
                machine=row.MachineRow.fingerprint,
                facts=row.MachineRow.facts,
                first_seen_at=row.MachineRow.first_seen_at,
                runs=row.runs,
            )
            for row in self._rows(query)
        ]

    def measurements(self, reference: str, *, samples: bool = True) -> "pd.DataFrame":
        """One row per case and launch, in the order of measurement.

        Columns: `launch` (index from 0), `part`, and every column of the measurements table in
        docs/schema.md. `samples_s` holds float64 arrays; without `samples` it is left out.
        """
        import pandas as pd

        columns = [
            column
            for column in MeasurementRow.__table__.columns
            if column.name not in _HIDDEN and (samples or column.name != "samples_s")
        ]
        query = (
            select(LaunchRow.index.label("launch"), LaunchRow.part, *columns)
            .join(LaunchRow, MeasurementRow.launch_id == LaunchRow.id)
            .where(LaunchRow.run_id == self._run_id(reference))
            .order_by(MeasurementRow.id)
        )
        names = ["launch", "part", *(column.name for column in columns)]
        rows = [tuple(row) for row in self._rows(query)]
        return pd.DataFrame.from_records(rows, columns=names)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_id(self, reference: str) -> int:
        for query in _references(reference):
            found = [row.id for row in self._rows(query)]
            if len(found) == 1:
                return int(found[0])
        raise UsageError(f"no single run is named {reference!r}; see `jaxrig runs`")

    def _rows(self, query: _Query) -> Sequence[Row[Any]]:
        with database_errors(self._url), Session(self._engine) as session:
            return session.execute(query).all()


def _references(reference: str) -> list[_Query]:
    """Queries for a run's id, the most exact first."""
    newest = select(RunRow.id).order_by(RunRow.started_at.desc(), RunRow.id.desc())
    name, tilde, back = reference.partition("~")
    if name == "latest" and (not tilde or _FEW_DIGITS.fullmatch(back)):
        return [newest.offset(int(back or 0)).limit(1)]
    exact = select(RunRow.id).where(RunRow.name == reference)
    begins = RunRow.name.startswith(reference, autoescape=True)
    beginning = select(RunRow.id).where(begins).limit(2)
    key, equals, value = reference.partition("=")
    if equals:
        tagged = newest.where(RunRow.tags[key].as_string() == value)
        return [exact, tagged.limit(1)]
    return [exact, beginning]


def _runs_query() -> _Query:
    measured = (
        select(func.count(MeasurementRow.id))
        .join(LaunchRow, MeasurementRow.launch_id == LaunchRow.id)
        .where(LaunchRow.run_id == RunRow.id)
        .correlate(RunRow)
        .scalar_subquery()
    )
    failed = (
        select(func.count(FailureRow.id))
        .where(FailureRow.run_id == RunRow.id)
        .correlate(RunRow)
        .scalar_subquery()
    )
    return (
        select(
            RunRow,
            MachineRow.fingerprint,
            ImageRow.digest,
            measured.label("measurements"),
            failed.label("failures"),
        )
        .join(MachineRow, RunRow.machine_id == MachineRow.id)
        .outerjoin(ImageRow, RunRow.image_id == ImageRow.id)
    )


def _run(row: Row[Any]) -> Run:
    run: RunRow = row.RunRow
    return Run(
        run=run.name,
        status=run.status,
        target=run.target,
        platform=run.platform,
        isolation=run.isolation,
        machine=row.fingerprint,
        image=row.digest,
        suite=run.suite,
        started_at=run.started_at,
        ended_at=run.ended_at,
        measurements=row.measurements,
        failures=row.failures,
        launches_planned=run.launches_planned,
        tags=run.tags,
        git_commit=run.git_commit,
        git_dirty=run.git_dirty,
        jaxrig_version=run.jaxrig_version,
    )


def _launch(row: LaunchRow, environment: dict[str, Any] | None) -> Launch:
    return Launch(
        launch=row.index,
        part=row.part,
        status=row.status,
        exit_code=row.exit_code,
        limits=row.limits,
        environment=environment,
        noise=row.noise,
        log=row.log,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
