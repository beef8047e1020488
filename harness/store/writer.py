"""The only writer: every call is one transaction, committed before it returns."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Self

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session

from harness.machine import Machine
from harness.records import Benchmark, Environment, Measured
from harness.store.database import database_errors, open_for_writing
from harness.store.models import (
    AnchorRow,
    EnvironmentRow,
    FailureRow,
    ImageRow,
    LaunchRow,
    MachineRow,
    MeasurementRow,
    NightRow,
    PairingRow,
    RunRow,
    SkipRow,
    VerdictRow,
)

_LOG_LIMIT_CHARACTERS = 64 << 10


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run marked as running: the process that writes it, and when it must be over."""

    id: int
    owner: str
    deadline_at: datetime


class Store:
    """Writes runs as they happen. Raises `DatabaseFailure` when the database will not take them.

    Runs and launches are handed back as their row ids.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine = open_for_writing(url)

    def begin_run(
        self, *, machine: Machine, image: tuple[str, str] | None, **facts: Any
    ) -> tuple[int, str]:
        """A new run's id and name. `image`: digest and tag; `facts`: columns of `RunRow`."""
        with self._transaction() as session:
            row = RunRow(
                name=_new_name(),
                status="running",
                machine_id=_machine_id(session, machine),
                image_id=None if image is None else _image_id(session, *image),
                started_at=_now(),
                ended_at=None,
                **facts,
            )
            session.add(row)
            session.flush()
            return row.id, row.name

    def pair_runs(
        self,
        base: int,
        candidate: int,
        *,
        rounds: int,
        rule: Mapping[str, Any],
        anchor: int | None = None,
    ) -> int:
        """Marks two runs as measured in turns; the pairing's id. `anchor`: of which this is a
        night."""
        with self._transaction() as session:
            row = PairingRow(
                base_run_id=base, candidate_run_id=candidate, rounds=rounds, rule=dict(rule)
            )
            session.add(row)
            session.flush()
            if anchor is not None:
                session.add(NightRow(pairing_id=row.id, anchor_id=anchor))
            return row.id

    def pin_anchor(
        self,
        *,
        machine: Machine,
        target: str,
        image: tuple[str, str],
        epoch: int,
        why: str,
        bridge: int | None = None,
    ) -> int:
        """Pins an image (digest and tag) for the nights to come; the anchor's id. `bridge`: the
        pairing in which it was measured in turns with the one before."""
        with self._transaction() as session:
            row = AnchorRow(
                machine_id=_machine_id(session, machine),
                target=target,
                image_id=_image_id(session, *image),
                epoch=epoch,
                why=why,
                bridge_pairing_id=bridge,
                pinned_at=_now(),
            )
            session.add(row)
            session.flush()
            return row.id

    def add_verdicts(self, pairing: int, verdicts: Sequence[Mapping[str, Any]]) -> None:
        """Keeps what was said of each case: columns of `VerdictRow`."""
        with self._transaction() as session:
            session.add_all(VerdictRow(pairing_id=pairing, **verdict) for verdict in verdicts)

    def end_run(self, run: int, status: str) -> None:
        """Marks the run as done, failed or interrupted."""
        with self._transaction() as session:
            session.execute(
                update(RunRow).where(RunRow.id == run).values(status=status, ended_at=_now())
            )

    def begin_launch(
        self,
        run: int,
        *,
        index: int,
        part: int,
        limits: Mapping[str, Any],
        env: Mapping[str, str],
    ) -> int:
        """A new launch's id."""
        with self._transaction() as session:
            row = LaunchRow(
                run_id=run,
                index=index,
                part=part,
                status="running",
                limits=dict(limits),
                env=dict(env),
                started_at=_now(),
            )
            session.add(row)
            session.flush()
            return row.id

    def set_environment(self, launch: int, environment: Environment) -> None:
        """Keeps what the launch said of its software and devices."""
        facts = environment.model_dump(exclude={"kind", "schema_version", "boot_id"})
        text = json.dumps(facts, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._transaction() as session:
            known = session.scalar(select(EnvironmentRow.id).filter_by(sha256=digest))
            if known is None:
                row = EnvironmentRow(sha256=digest, facts=facts)
                session.add(row)
                session.flush()
                known = row.id
            session.execute(
                update(LaunchRow).where(LaunchRow.id == launch).values(environment_id=known)
            )

    def add_measurement(self, launch: int, measurement: Measured) -> None:
        """Keeps one case's samples, all of them, in order."""
        if isinstance(measurement, Benchmark):
            values = _benchmark_columns(measurement)
        else:
            values = measurement.model_dump(exclude={"kind", "schema_version"})
        with self._transaction() as session:
            session.execute(
                insert(MeasurementRow).values(
                    launch_id=launch,
                    rounds=len(measurement.samples_s),
                    median_s=median(measurement.samples_s),
                    measured_at=_now(),
                    **values,
                )
            )

    def add_skip(self, launch: int, case: str, reason: str) -> None:
        """Keeps why a case could not run in a launch."""
        with self._transaction() as session:
            session.add(SkipRow(launch_id=launch, case=case, reason=reason))

    def add_failure(
        self, run: int, launch: int | None, case: str | None, kind: str, message: str
    ) -> None:
        """Keeps why something was not measured."""
        with self._transaction() as session:
            session.add(
                FailureRow(
                    run_id=run,
                    launch_id=launch,
                    case=case,
                    kind=kind,
                    message=message,
                    happened_at=_now(),
                )
            )

    def end_launch(
        self,
        launch: int,
        *,
        status: str,
        exit_code: int | None,
        noise: Mapping[str, Any] | None,
        log: str,
    ) -> None:
        """Keeps how the launch ended, what the machine did meanwhile, and its log's end."""
        values = {
            "status": status,
            "exit_code": exit_code,
            "noise": noise,
            "log": log[-_LOG_LIMIT_CHARACTERS:],
            "ended_at": _now(),
        }
        with self._transaction() as session:
            session.execute(update(LaunchRow).where(LaunchRow.id == launch).values(**values))

    def open_runs(self) -> list[OpenRun]:
        """Runs still marked as running."""
        query = select(RunRow.id, RunRow.owner, RunRow.deadline_at).filter_by(status="running")
        with self._transaction() as session:
            return [OpenRun(**row._asdict()) for row in session.execute(query)]

    def close_abandoned(self, run: int) -> None:
        """Marks a run whose process is gone, and its open launches, as interrupted."""
        with self._transaction() as session:
            session.execute(
                update(LaunchRow)
                .where(LaunchRow.run_id == run, LaunchRow.status == "running")
                .values(status="interrupted")
            )
            session.execute(update(RunRow).where(RunRow.id == run).values(status="interrupted"))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with database_errors(self._url), Session(self._engine) as session, session.begin():
            yield session


def _benchmark_columns(benchmark: Benchmark) -> dict[str, Any]:
    """The columns that a suite of one's own knows; its workload is the test's function."""
    values = benchmark.model_dump(exclude={"kind", "schema_version", "platform"})
    return {
        "workload": benchmark.case.partition("[")[0],
        "benchmark_group": values.pop("group"),
        "benchmark_options": values.pop("options") | {"in_turns": values.pop("in_turns")},
        "observations": {},
        **values,
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _new_name() -> str:
    """A run's public name: its start in UTC and enough chance to tell runs of one second apart."""
    return f"{_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _machine_id(session: Session, machine: Machine) -> int:
    known = session.scalar(select(MachineRow.id).filter_by(fingerprint=machine.fingerprint))
    if known is not None:
        return known
    row = MachineRow(
        fingerprint=machine.fingerprint,
        name=machine.name,
        facts=asdict(machine),
        first_seen_at=_now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _image_id(session: Session, digest: str, tag: str) -> int:
    known = session.scalar(select(ImageRow.id).filter_by(digest=digest))
    if known is not None:
        return known
    row = ImageRow(digest=digest, tag=tag, first_seen_at=_now())
    session.add(row)
    session.flush()
    return row.id
