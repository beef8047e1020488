"""Runs and launches, what they measured, on which hardware and software, and what went wrong."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harness.store import sense
from harness.store.models.mapping import DOCUMENT, Base
from harness.store.types import CompressedText, PackedSamples


class MachineRow(Base):
    """The hardware that runs happened on, one row a fingerprint."""

    __tablename__ = "machines"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    facts: Mapped[dict[str, Any]]
    first_seen_at: Mapped[datetime]


class MachineLinkRow(Base):
    """A machine that counts as another: the same one, with a fingerprint that changed."""

    __tablename__ = "machine_links"
    __table_args__ = (CheckConstraint("machine_id <> same_as_id", name="two_machines"),)

    machine_id: Mapped[int] = mapped_column(
        ForeignKey("machines.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    same_as_id: Mapped[int] = mapped_column(ForeignKey("machines.id", ondelete="CASCADE"))
    linked_at: Mapped[datetime]


class ImageRow(Base):
    """An image as built; its digest is its identity."""

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    tag: Mapped[str]
    first_seen_at: Mapped[datetime]
    dockerfile_sha256: Mapped[str | None]
    requirements_sha256: Mapped[str | None]
    packages: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    distribution: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)


class EnvironmentRow(Base):
    """Software and devices as a launch reported them; equal ones share a row."""

    __tablename__ = "environments"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    facts: Mapped[dict[str, Any]]


class SelectionRow(Base):
    """Cases that were planned together; equal ones share a row."""

    __tablename__ = "selections"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    cases: Mapped[list[str]]


class RunRow(Base):
    """All launches of one target and suite on one machine."""

    __tablename__ = "runs"
    __table_args__ = (
        sense.status(),
        CheckConstraint("launches_planned >= 1", name="launches_planned"),
        Index("ix_runs_machine_target", "machine_id", "target"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    target: Mapped[str]
    platform: Mapped[str]
    isolation: Mapped[str]
    suite: Mapped[str]
    selection_id: Mapped[int] = mapped_column(ForeignKey("selections.id"))
    launches_planned: Mapped[int]
    tags: Mapped[dict[str, Any]]
    machine_id: Mapped[int] = mapped_column(ForeignKey("machines.id"))
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"))
    git_commit: Mapped[str | None] = mapped_column(index=True)
    git_dirty: Mapped[bool | None]
    jaxrig_version: Mapped[str]
    owner: Mapped[str]
    deadline_at: Mapped[datetime]
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class ImportRow(Base):
    """A run that another program measured, and where it comes from."""

    __tablename__ = "imports"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    format: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    file: Mapped[str]
    unmapped: Mapped[list[str]]
    imported_at: Mapped[datetime]


class LaunchRow(Base):
    """One container process of a run."""

    __tablename__ = "launches"
    __table_args__ = (
        sense.status(),
        UniqueConstraint("run_id", "index", "part"),
        CheckConstraint('"index" >= 0 AND part >= 0', name="place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    index: Mapped[int]
    part: Mapped[int]
    status: Mapped[str]
    limits: Mapped[dict[str, Any]]
    env: Mapped[dict[str, Any]]
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environments.id"))
    noise: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    exit_code: Mapped[int | None]
    log: Mapped[str | None] = mapped_column(CompressedText)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CaseRow(Base):
    """What is computed, at one size: a case as it was defined. Another definition is another row
    of the same name."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    workload: Mapped[str]
    phase: Mapped[str | None]
    dtype: Mapped[str | None]
    parameters: Mapped[dict[str, Any]]


class BenchmarkRow(Base):
    """How a test of a suite of one's own was timed; equal ones share a row."""

    __tablename__ = "benchmarks"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    benchmark_group: Mapped[str | None]
    benchmark_options: Mapped[dict[str, Any]]


class ProgramRow(Base):
    """What a case was compiled to and what a call of it does; equal ones share a row."""

    __tablename__ = "programs"
    __table_args__ = (
        CheckConstraint("flops >= 0 AND bytes >= 0", name="work_not_negative"),
        sense.amounts(),
        sense.ran(),
        CheckConstraint("storage_bytes >= 0 AND link_bytes >= 0", name="traffic_not_negative"),
        CheckConstraint(
            "argument_bytes >= 0 AND output_bytes >= 0 AND alias_bytes >= 0 AND temp_bytes >= 0",
            name="memory_not_negative",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    hlo_sha256: Mapped[str | None]
    flops: Mapped[float | None]
    bytes: Mapped[float | None]
    storage_bytes: Mapped[float | None]
    link_bytes: Mapped[float | None]
    work_unit: Mapped[str | None]
    work_count: Mapped[float | None]
    xla_flops: Mapped[float | None]
    xla_bytes: Mapped[float | None]
    argument_bytes: Mapped[int | None] = mapped_column(BigInteger)
    output_bytes: Mapped[int | None] = mapped_column(BigInteger)
    alias_bytes: Mapped[int | None] = mapped_column(BigInteger)
    temp_bytes: Mapped[int | None] = mapped_column(BigInteger)
    kernels: Mapped[int | None] = mapped_column(BigInteger)
    product_bytes: Mapped[float | None]
    turned_bytes: Mapped[float | None]
    streamed_bytes: Mapped[float | None]
    arguments: Mapped[int | None]
    results: Mapped[int | None]
    numerics_tolerance: Mapped[float | None]


class MeasurementRow(Base):
    """One case in one launch: its samples and what was noticed meanwhile.

    Samples may have been pruned: there is then a summary of them.
    """

    __tablename__ = "measurements"
    __table_args__ = (
        UniqueConstraint("launch_id", "case_id"),
        CheckConstraint("median_s > 0", name="median_positive"),
        CheckConstraint("calls_per_round >= 1", name="calls_positive"),
        CheckConstraint("rounds >= 1", name="rounds_positive"),
        CheckConstraint("peak_rss_bytes >= 0 AND device_peak_bytes >= 0", name="peaks"),
        CheckConstraint("median_s <= 1e300", name="median_bounded"),
        sense.times(),
        sense.events(),
        # PostgreSQL reads a case's history from the index alone. In SQLite the medians would stand
        # there once more, at 12 bytes a measurement.
        Index(
            "ix_measurements_case_launch", "case_id", "launch_id", postgresql_include=["median_s"]
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    launch_id: Mapped[int] = mapped_column(ForeignKey("launches.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    program_id: Mapped[int | None] = mapped_column(ForeignKey("programs.id"))
    benchmark_id: Mapped[int | None] = mapped_column(ForeignKey("benchmarks.id"))
    samples_s: Mapped[Any] = mapped_column(PackedSamples, nullable=True)
    summary: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    rounds: Mapped[int | None]
    median_s: Mapped[float]
    calls_per_round: Mapped[int | None] = mapped_column(BigInteger)
    trace_s: Mapped[float | None]
    lower_s: Mapped[float | None]
    compile_s: Mapped[float | None]
    first_call_s: Mapped[float | None]
    peak_rss_bytes: Mapped[int | None] = mapped_column(BigInteger)
    device_peak_bytes: Mapped[int | None] = mapped_column(BigInteger)
    numerics_error: Mapped[float | None]
    minor_faults: Mapped[int | None] = mapped_column(BigInteger)
    major_faults: Mapped[int | None] = mapped_column(BigInteger)
    voluntary_switches: Mapped[int | None] = mapped_column(BigInteger)
    involuntary_switches: Mapped[int | None] = mapped_column(BigInteger)
    steal_s: Mapped[float | None]
    timed_s: Mapped[float | None]
    gpu: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    extra_info: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    observations: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    warnings: Mapped[list[str] | None] = mapped_column(DOCUMENT)
    after_s: Mapped[float | None]


class ProfileRow(Base):
    """Where the time of a case went on its device, in a launch that timed nothing."""

    __tablename__ = "profiles"
    __table_args__ = (
        UniqueConstraint("launch_id", "case_id"),
        CheckConstraint("calls >= 1", name="calls_positive"),
        sense.traced(),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    launch_id: Mapped[int] = mapped_column(ForeignKey("launches.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    calls: Mapped[int] = mapped_column(BigInteger)
    wall_s: Mapped[float]
    device_s: Mapped[float | None]
    operations: Mapped[list[Any]] = mapped_column(DOCUMENT)
    other_operations_s: Mapped[float]


class SkipRow(Base):
    """A case that could not run in a launch, and why; no failure."""

    __tablename__ = "skips"
    __table_args__ = (Index("ix_skips_launch", "launch_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    launch_id: Mapped[int] = mapped_column(ForeignKey("launches.id", ondelete="CASCADE"))
    case: Mapped[str]
    reason: Mapped[str]


class FailureRow(Base):
    """What could not be measured, and why. `case` is None where no single case is to blame."""

    __tablename__ = "failures"
    __table_args__ = (
        Index("ix_failures_run", "run_id"),
        Index("ix_failures_launch", "launch_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    launch_id: Mapped[int | None] = mapped_column(ForeignKey("launches.id", ondelete="CASCADE"))
    case: Mapped[str | None]
    kind: Mapped[str]
    message: Mapped[str]
    happened_at: Mapped[datetime]


class CommitRow(Base):
    """A transaction that was committed, on a server whose answer can get lost on its way."""

    __tablename__ = "commits"

    id: Mapped[str] = mapped_column(primary_key=True)
    committed_at: Mapped[datetime] = mapped_column(index=True)
