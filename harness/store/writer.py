"""The only writer: every call is one transaction, committed before it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Table, insert, select, update

from harness.machine import Machine
from harness.records import Environment, Measured, Profile
from harness.store.database import open_for_writing, unheard
from harness.store.identity import new_name, new_uuid
from harness.store.models import (
    AnchorRow,
    Base,
    FailureRow,
    ImageRow,
    LaunchRow,
    MeasurementRow,
    NightRow,
    PairingRow,
    ProfileRow,
    RunRow,
    SkipRow,
    VerdictRow,
)
from harness.store.packing import pack
from harness.store.parts import Parts, parts_of
from harness.store.retry import Transactions
from harness.store.shared import INSERTS, SharedRows

T = TypeVar("T")

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

    def __init__(self, url: str, say: Callable[[str], None] | None = None) -> None:
        """`say` hears of an upgrade, and of a server that is waited for."""
        self.url = url
        self._engine: Engine = open_for_writing(url, say)
        self._transactions = Transactions(self._engine, url, say or unheard)
        self._shared = SharedRows()
        self._begun: dict[int, datetime] = {}
        """Launches of this writer, and when they began."""

    def begin_run(
        self,
        *,
        machine: Machine,
        image: tuple[str, str] | None,
        cases: Sequence[str],
        made_of: Mapping[str, str | None] | None = None,
        **facts: Any,
    ) -> tuple[int, str]:
        """A new run's id and name. `image`: digest and tag; `made_of`: hashes of its ingredients,
        columns of `ImageRow`; `facts`: columns of `RunRow`."""
        started_at = _now()
        uuid = new_uuid(started_at)

        def work(connection: Connection) -> tuple[int, str]:
            image_id = None if image is None else self._image_id(connection, *image)
            if image_id is not None and made_of:
                unknown = (ImageRow.id == image_id, ImageRow.dockerfile_sha256.is_(None))
                connection.execute(update(ImageRow).where(*unknown).values(dict(made_of)))
            values = {
                "uuid": uuid,
                "status": "running",
                "machine_id": self._machine_id(connection, machine),
                "image_id": image_id,
                "selection_id": self._shared.selection(connection, list(cases)),
                "started_at": started_at,
                "ended_at": None,
            }
            return _inserted_by_new_name(connection, values | facts)

        return self._write(work)

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
        values = {
            "uuid": new_uuid(_now()),
            "base_run_id": base,
            "candidate_run_id": candidate,
            "rounds": rounds,
            "rule": dict(rule),
        }

        def work(connection: Connection) -> int:
            pairing = _inserted(connection, PairingRow, values)
            if anchor is not None:
                night = {"pairing_id": pairing, "anchor_id": anchor}
                connection.execute(insert(_table(NightRow)).values(night))
            return pairing

        return self._write(work)

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
        pinned_at = _now()
        uuid = new_uuid(pinned_at)

        def work(connection: Connection) -> int:
            values = {
                "uuid": uuid,
                "machine_id": self._machine_id(connection, machine),
                "target": target,
                "image_id": self._image_id(connection, *image),
                "epoch": epoch,
                "why": why,
                "bridge_pairing_id": bridge,
                "pinned_at": pinned_at,
            }
            return _inserted(connection, AnchorRow, values)

        return self._write(work)

    def add_verdicts(self, pairing: int, verdicts: Sequence[Mapping[str, Any]]) -> None:
        """Keeps what was said of each case: columns of `VerdictRow`."""
        rows = [{"pairing_id": pairing, **verdict} for verdict in verdicts]
        if rows:
            self._write(lambda connection: connection.execute(insert(_table(VerdictRow)), rows))

    def end_run(self, run: int, status: str) -> None:
        """Marks the run as done, failed or interrupted."""
        values = {"status": status, "ended_at": _now()}
        self._write(
            lambda connection: connection.execute(
                update(RunRow).where(RunRow.id == run).values(values)
            )
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
        started_at = _now()
        values = {
            "run_id": run,
            "index": index,
            "part": part,
            "status": "running",
            "limits": dict(limits),
            "env": dict(env),
            "started_at": started_at,
        }
        launch = self._write(lambda connection: _inserted(connection, LaunchRow, values))
        self._begun[launch] = started_at
        return launch

    def set_environment(
        self, launch: int, environment: Environment, host: Mapping[str, str | None] | None = None
    ) -> None:
        """Keeps what the launch said of its software and devices. `host`: what of the software
        is the machine's, as `machine.host_software` tells it."""
        of_others = {"kind", "schema_version", "boot_id", "distribution", "no_gpu"}
        facts = environment.model_dump(exclude=of_others)
        self.set_facts(launch, facts | dict(host or {}))
        self._write(partial(_describe_image, launch=launch, environment=environment))

    def set_facts(self, launch: int, facts: Mapping[str, Any]) -> None:
        """Keeps what is known of the software of a process that sends no records."""

        def work(connection: Connection) -> None:
            known = self._shared.environment(connection, facts)
            connection.execute(
                update(LaunchRow).where(LaunchRow.id == launch).values(environment_id=known)
            )

        self._write(work)

    def add_measurement(self, launch: int, measurement: Measured) -> None:
        """Keeps one case's samples, all of them, in order."""
        parts, began = parts_of(measurement), self._begun.get(launch)
        values = {
            "launch_id": launch,
            "samples_s": pack(measurement.samples_s, measurement.calls_per_round),
            "rounds": len(measurement.samples_s),
            "median_s": median(measurement.samples_s),
            "after_s": (_now() - began).total_seconds() if began else None,
            **parts.measurement,
        }
        self._write(lambda connection: self._insert_measurement(connection, parts, values))

    def _insert_measurement(
        self, connection: Connection, parts: Parts, values: dict[str, Any]
    ) -> None:
        shared = self._shared
        keys = {
            "case_id": shared.case(connection, **parts.case),
            "program_id": parts.program and shared.program(connection, **parts.program),
            "benchmark_id": parts.benchmark and shared.benchmark(connection, **parts.benchmark),
        }
        connection.execute(_INSERT_MEASUREMENT, values | keys)

    def add_profile(self, launch: int, profile: Profile, measured: Measured) -> None:
        """Keeps where a case's time went on the device. `measured`: the same case, as it was
        timed."""
        case = parts_of(measured).case
        values = profile.model_dump(exclude={"kind", "schema_version", "case"})

        def work(connection: Connection) -> None:
            known = {"launch_id": launch, "case_id": self._shared.case(connection, **case)}
            connection.execute(insert(_table(ProfileRow)).values(known | values))

        self._write(work)

    def add_skip(self, launch: int, case: str, reason: str) -> None:
        """Keeps why a case could not run in a launch."""
        values = {"launch_id": launch, "case": case, "reason": reason}
        self._write(lambda connection: _inserted(connection, SkipRow, values))

    def add_failure(
        self, run: int, launch: int | None, case: str | None, kind: str, message: str
    ) -> None:
        """Keeps why something was not measured."""
        values = {
            "run_id": run,
            "launch_id": launch,
            "case": case,
            "kind": kind,
            "message": message,
            "happened_at": _now(),
        }
        self._write(lambda connection: _inserted(connection, FailureRow, values))

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
        self._write(
            lambda connection: connection.execute(
                update(LaunchRow).where(LaunchRow.id == launch).values(values)
            )
        )
        self._begun.pop(launch, None)

    def open_runs(self) -> list[OpenRun]:
        """Runs still marked as running."""
        query = select(RunRow.id, RunRow.owner, RunRow.deadline_at).where(
            RunRow.status == "running"
        )
        return self._write(
            lambda connection: [OpenRun(**row._asdict()) for row in connection.execute(query)]
        )

    def close_abandoned(self, run: int) -> None:
        """Marks a run whose process is gone, and its open launches, as interrupted."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(LaunchRow)
                .where(LaunchRow.run_id == run, LaunchRow.status == "running")
                .values(status="interrupted")
            )
            # It may have come to its end since it was found open.
            still_open = (RunRow.id == run, RunRow.status == "running")
            connection.execute(update(RunRow).where(*still_open).values(status="interrupted"))

        self._write(work)

    def within(self, work: Callable[[Connection, SharedRows], T]) -> T:
        """`work` in one transaction, committed, for those who bring whole runs; it may be called
        more than once."""
        return self._write(lambda connection: work(connection, self._shared))

    def close(self) -> None:
        self._transactions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, work: Callable[[Connection], T]) -> T:
        """`work` in one transaction, committed; it may be called more than once."""

        def attempt(connection: Connection) -> T:
            self._shared.pending.clear()
            return work(connection)

        result = self._transactions.run(attempt)
        self._shared.committed()
        return result

    def _machine_id(self, connection: Connection, machine: Machine) -> int:
        facts = asdict(machine)
        return self._shared.machine(
            connection,
            fingerprint=machine.fingerprint,
            name=machine.name,
            facts=facts,
            first_seen_at=_now(),
        )

    def _image_id(self, connection: Connection, digest: str, tag: str) -> int:
        return self._shared.image(connection, digest=digest, tag=tag, first_seen_at=_now())


def _describe_image(connection: Connection, launch: int, environment: Environment) -> None:
    """Keeps what is in the launch's image, unless that is known."""
    told = environment.model_dump(include={"packages", "distribution"})
    of_launch = select(RunRow.image_id).join(LaunchRow, LaunchRow.run_id == RunRow.id)
    image = of_launch.where(LaunchRow.id == launch).scalar_subquery()
    for column, value in told.items():
        unknown = (ImageRow.id == image, getattr(ImageRow, column).is_(None))
        if value is not None:
            connection.execute(update(ImageRow).where(*unknown).values({column: value}))


def _table(model: type[Base]) -> Table:
    return model.metadata.tables[model.__tablename__]


_INSERT_MEASUREMENT = insert(_table(MeasurementRow)).inline()
"""One object, so that SQLAlchemy compiles it once; nobody wants the new row's id."""


def _inserted(connection: Connection, model: type[Base], values: Mapping[str, Any]) -> int:
    """The new row's id."""
    done = connection.execute(insert(_table(model)).values(dict(values)))
    key = done.inserted_primary_key
    assert key is not None  # noqa: S101 - told of every insert of one row
    return int(key[0])


def _inserted_by_new_name(connection: Connection, values: Mapping[str, Any]) -> tuple[int, str]:
    """The new run's id, and its name: one that no other run has, also of those that begin now."""
    run = INSERTS[connection.dialect.name](_table(RunRow)).returning(RunRow.id)
    while True:
        name = new_name(_now())
        made = run.values({"name": name, **values}).on_conflict_do_nothing(index_elements=["name"])
        key = connection.scalar(made)
        if key is not None:
            return int(key), name


def _now() -> datetime:
    return datetime.now(UTC)
