"""What many rows say alike is said once: cases, programs, benchmarks, selections. Keys that other
databases know a row by. Samples in half the bytes; logs in a fifth. Drivers are software: they are
no part of a machine any more, but of the environment."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from alembic import op

from harness.store.identity import uuid7_of
from harness.store.migrations import tables as made_of
from harness.store.migrations.rows import Shared, change, in_chunks, table_of
from harness.store.packing import pack
from harness.store.types import CompressedText, PackedSamples

revision = "0006"
down_revision = "0005"

MACHINE_ROOTS = """
CREATE VIEW machine_roots AS
WITH RECURSIVE linked(machine_id, root_id) AS (
    SELECT machines.id, machines.id FROM machines
    UNION
    SELECT linked.machine_id, machine_links.same_as_id
      FROM linked JOIN machine_links ON machine_links.machine_id = linked.root_id
)
SELECT linked.machine_id, linked.root_id FROM linked
 WHERE linked.root_id NOT IN (SELECT machine_links.machine_id FROM machine_links)
"""
"""What each machine counts as in the end: itself, where it is not linked."""

_BEFORE = import_module("harness.store.migrations.versions.0002_catalogue").RUN_OVERVIEW

RUN_OVERVIEW = _BEFORE.replace(
    "JOIN machines ON runs.machine_id = machines.id",
    "JOIN machine_roots ON machine_roots.machine_id = runs.machine_id\n"
    "  JOIN machines ON machines.id = machine_roots.root_id",
).replace("runs.jaxrig_version", "runs.jaxrig_version, runs.owner, runs.deadline_at")

_STATUS = "status IN ('running', 'done', 'failed', 'interrupted')"

_CASE = ("workload", "phase", "dtype", "parameters")
_BENCHMARK = ("benchmark_group", "benchmark_options")
_WORK = (
    *("flops", "bytes", "storage_bytes", "link_bytes", "work_unit", "work_count"),
    *("xla_flops", "xla_bytes"),
)
_MEMORY = ("argument_bytes", "output_bytes", "alias_bytes", "temp_bytes")
_PROGRAM = ("hlo_sha256", *_WORK, *_MEMORY, "numerics_tolerance")
_STAGES = ("trace_s", "lower_s", "compile_s", "first_call_s")
_PEAKS = ("peak_rss_bytes", "device_peak_bytes")
_EVENTS = ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches")
_KEPT = (
    *("id", "launch_id", "rounds", "median_s", "calls_per_round", *_STAGES, *_PEAKS),
    *("numerics_error", *_EVENTS, "steal_s", "timed_s"),
)
_SPARSE = ("observations", "warnings")
_DOCUMENTS = ("extra_info", *_SPARSE)


def upgrade() -> None:
    op.execute("DROP VIEW run_overview")
    _make_tables()
    _leave_drivers_out_of_machines()
    _move_selections()
    _give_uuids()
    _compress_logs()
    _move_measurements()
    op.execute(MACHINE_ROOTS)
    op.execute(RUN_OVERVIEW)


def _make_tables() -> None:
    _make_shared("selections", *made_of.documents("cases"))
    _make_shared(
        "cases",
        *made_of.texts("name", "workload"),
        *made_of.texts("phase", "dtype", nullable=True),
        *made_of.documents("parameters"),
    )
    op.create_index("ix_cases_name", "cases", ["name"])
    _make_shared(
        "benchmarks",
        *made_of.texts("benchmark_group", nullable=True),
        *made_of.documents("benchmark_options"),
    )
    _make_shared(
        "programs",
        *made_of.texts("hlo_sha256", nullable=True),
        *made_of.numbers("flops", "bytes", "storage_bytes", "link_bytes"),
        *made_of.texts("work_unit", nullable=True),
        *made_of.numbers("work_count", "xla_flops", "xla_bytes"),
        *made_of.counts(*_MEMORY),
        *made_of.numbers("numerics_tolerance"),
        made_of.check("programs", "work_not_negative", "flops >= 0 AND bytes >= 0"),
        made_of.check("programs", "traffic_not_negative", "storage_bytes >= 0 AND link_bytes >= 0"),
        made_of.check(
            "programs", "memory_not_negative", " AND ".join(f"{name} >= 0" for name in _MEMORY)
        ),
    )
    op.create_table(
        "machine_links",
        made_of.reference("machine_id"),
        made_of.reference("same_as_id"),
        made_of.moment("linked_at"),
        made_of.check("machine_links", "two_machines", "machine_id <> same_as_id"),
        made_of.foreign_key("machine_links", "machine_id", "machines", cascade=True),
        made_of.foreign_key("machine_links", "same_as_id", "machines", cascade=True),
        made_of.primary_key("machine_links", "machine_id"),
    )
    op.create_table(
        "imports",
        made_of.reference("run_id"),
        *made_of.texts("format", "sha256", "file"),
        *made_of.documents("unmapped"),
        made_of.moment("imported_at"),
        made_of.foreign_key("imports", "run_id", "runs", cascade=True),
        made_of.primary_key("imports", "run_id"),
    )
    op.create_index("ix_imports_sha256", "imports", ["sha256"])
    op.create_table(
        "commits",
        *made_of.texts("id"),
        made_of.moment("committed_at"),
        made_of.primary_key("commits"),
    )
    op.create_index("ix_commits_committed_at", "commits", ["committed_at"])


def _make_shared(name: str, *parts: Any) -> None:
    op.create_table(
        name,
        made_of.key(),
        *made_of.texts("sha256"),
        *parts,
        made_of.primary_key(name),
        made_of.unique(name, "sha256"),
    )


def _leave_drivers_out_of_machines() -> None:
    """Machines that differed in their driver alone become one."""
    machines = table_of("machines", "fingerprint", facts=sa.JSON())
    first: dict[str, int] = {}
    for row in op.get_bind().execute(sa.select(machines).order_by(machines.c.id)).all():
        facts = dict(row.facts)
        driver = facts.pop("gpu_driver", None)
        if driver is not None:
            _tell_driver(row.id, driver)
        fingerprint = _fingerprint(facts)
        same = first.setdefault(fingerprint, row.id)
        if same == row.id:
            change(machines, row.id, fingerprint=fingerprint, facts=facts)
        else:
            for other in ("runs", "anchors"):
                moved = table_of(other, "machine_id")
                op.execute(
                    moved.update().where(moved.c.machine_id == row.id).values(machine_id=same)
                )
            op.execute(machines.delete().where(machines.c.id == row.id))


def _fingerprint(facts: Mapping[str, Any]) -> str:
    text = json.dumps({k: v for k, v in facts.items() if k != "name"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tell_driver(machine: int, driver: str) -> None:
    """Into the environments of that machine's launches."""
    runs, launches = (
        table_of("runs", "machine_id"),
        table_of("launches", "run_id", "environment_id"),
    )
    environments = table_of("environments", "sha256", facts=sa.JSON())
    there = launches.c.run_id.in_(sa.select(runs.c.id).where(runs.c.machine_id == machine))
    query = sa.select(environments).where(
        environments.c.id.in_(sa.select(launches.c.environment_id).where(there))
    )
    shared = Shared("environments", facts=sa.JSON())
    for row in op.get_bind().execute(query).all():
        facts = row.facts | {"gpu_driver": driver}
        told = shared.id_of({"facts": facts}, of=facts)
        op.execute(
            launches.update()
            .where(there, launches.c.environment_id == row.id)
            .values(environment_id=told)
        )


def _move_selections() -> None:
    with op.batch_alter_table("runs") as batch:
        batch.add_column(made_of.reference("selection_id", nullable=True))
    runs = table_of("runs", "selection_id", cases=sa.JSON())
    shared = Shared("selections", cases=sa.JSON())
    for row in op.get_bind().execute(sa.select(runs.c.id, runs.c.cases)).all():
        change(runs, row.id, selection_id=shared.id_of({"cases": row.cases}))
    op.create_index("ix_runs_git_commit", "runs", ["git_commit"])


def _give_uuids() -> None:
    """The same to the same rows, wherever this database is upgraded: from what told them apart."""
    for name in ("runs", "pairings", "anchors"):
        with op.batch_alter_table(name) as batch:
            batch.add_column(sa.Column("uuid", sa.Uuid(), nullable=True))
        for row in op.get_bind().execute(_identities(name)).all():
            rest = hashlib.sha256(f"{name} {row.identity}".encode()).digest()
            change(table_of(name, uuid=sa.Uuid()), row.id, uuid=uuid7_of(_moment(row.moment), rest))
    checks = (
        made_of.check("runs", "status", _STATUS),
        made_of.check("runs", "launches_planned", "launches_planned >= 1"),
    )
    with op.batch_alter_table("runs", table_args=checks) as batch:
        batch.drop_column("cases")
        batch.alter_column("selection_id", existing_type=sa.Integer(), nullable=False)
        batch.create_foreign_key(
            op.f("fk_runs_selection_id_selections"), "selections", ["selection_id"], ["id"]
        )
        batch.alter_column("uuid", existing_type=sa.Uuid(), nullable=False)
        batch.create_unique_constraint(op.f("uq_runs_uuid"), ["uuid"])
    if op.get_context().dialect.name == "postgresql":  # has the other one, and keeps it
        op.create_check_constraint(
            op.f("ck_runs_launches_planned"), "runs", "launches_planned >= 1"
        )
        op.create_check_constraint(
            op.f("ck_pairings_two_runs"), "pairings", "base_run_id <> candidate_run_id"
        )
    of_pairings = made_of.check("pairings", "two_runs", "base_run_id <> candidate_run_id")
    of_anchors = made_of.check("anchors", "epoch_positive", "epoch >= 1")
    for name, check in (("pairings", of_pairings), ("anchors", of_anchors)):
        with op.batch_alter_table(name, table_args=(check,)) as batch:
            batch.alter_column("uuid", existing_type=sa.Uuid(), nullable=False)
            batch.create_unique_constraint(op.f(f"uq_{name}_uuid"), ["uuid"])
    op.create_index("ix_pairings_candidate", "pairings", ["candidate_run_id"])


def _identities(name: str) -> sa.Select[Any]:
    """`id`, `identity` and `moment` of each row; those of a pairing are its runs'."""
    runs = table_of("runs", "name", started_at=sa.DateTime())
    if name == "pairings":
        pairings = table_of("pairings", "base_run_id", "candidate_run_id")
        base, candidate = runs.alias(), runs.alias()
        return sa.select(
            pairings.c.id,
            (base.c.name + " " + candidate.c.name).label("identity"),
            base.c.started_at.label("moment"),
        ).where(base.c.id == pairings.c.base_run_id, candidate.c.id == pairings.c.candidate_run_id)
    if name == "runs":
        return sa.select(
            runs.c.id, runs.c.name.label("identity"), runs.c.started_at.label("moment")
        )
    anchors = table_of("anchors", "target", pinned_at=sa.DateTime())
    return sa.select(
        anchors.c.id, anchors.c.target.label("identity"), anchors.c.pinned_at.label("moment")
    )


def _moment(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)


def _compress_logs() -> None:
    checks = (
        made_of.check("launches", "status", _STATUS),
        made_of.check("launches", "place", '"index" >= 0 AND part >= 0'),
    )
    with op.batch_alter_table("launches") as batch:
        batch.add_column(sa.Column("packed", sa.LargeBinary(), nullable=True))
    launches = table_of("launches", "log", packed=CompressedText())
    for row in in_chunks(launches, launches.c.log):
        if row.log is not None:
            change(launches, row.id, packed=row.log)
    with op.batch_alter_table("launches", table_args=checks) as batch:
        batch.drop_column("log")
        batch.alter_column("packed", new_column_name="log", existing_type=sa.LargeBinary())
    if op.get_context().dialect.name == "postgresql":
        op.create_check_constraint(
            op.f("ck_launches_place"), "launches", '"index" >= 0 AND part >= 0'
        )


def _move_measurements() -> None:
    op.rename_table("measurements", "measurements_before")
    op.drop_index("ix_measurements_case", "measurements_before")
    if op.get_context().dialect.name == "postgresql":  # whose names are taken by a table's indexes
        for name in ("pk_measurements", "uq_measurements_launch_id"):
            op.execute(f"ALTER INDEX {name} RENAME TO {name}_before")
    _make_measurements()
    texts, documents = ("workload", "phase", "dtype"), ("parameters", "benchmark_options")
    before = table_of(
        "measurements_before",
        *("case", *texts, "benchmark_group", *_PROGRAM, *_KEPT[1:]),
        **dict.fromkeys((*documents, *_DOCUMENTS), sa.JSON(none_as_null=True)),
        samples_s=sa.LargeBinary(),
        measured_at=sa.DateTime(),
    )
    after = table_of(
        "measurements",
        *("case_id", "program_id", "benchmark_id", "after_s", *_KEPT[1:]),
        **dict.fromkeys(_DOCUMENTS, sa.JSON(none_as_null=True)),
        samples_s=PackedSamples(),
    )
    began = _beginnings()
    cases = Shared("cases", "name", *texts, parameters=sa.JSON())
    programs = Shared("programs", *_PROGRAM)
    benchmarks = Shared("benchmarks", "benchmark_group", benchmark_options=sa.JSON())
    for row in in_chunks(before):
        values = row._asdict()
        own = values["benchmark_options"] is not None
        case = {"name": values["case"]} | {name: values[name] for name in _CASE}
        program = {name: values[name] for name in _PROGRAM}
        benchmark = {name: values[name] for name in _BENCHMARK}
        op.get_bind().execute(
            after.insert().values(
                case_id=cases.id_of(case),
                program_id=None if own else programs.id_of(program),
                benchmark_id=benchmarks.id_of(benchmark) if own else None,
                samples_s=_repacked(values["samples_s"], values["calls_per_round"]),
                after_s=(values["measured_at"] - began[values["launch_id"]]).total_seconds(),
                **{name: values[name] for name in (*_KEPT, "extra_info")},
                **{name: values[name] or None for name in _SPARSE},
            )
        )
    op.drop_table("measurements_before")
    _count_on_from_the_last("measurements")


def _make_measurements() -> None:
    name = "measurements"
    op.create_table(
        name,
        made_of.key(),
        made_of.reference("launch_id"),
        made_of.reference("case_id"),
        made_of.reference("program_id", nullable=True),
        made_of.reference("benchmark_id", nullable=True),
        sa.Column("samples_s", sa.LargeBinary(), nullable=True),
        *made_of.documents("summary", nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        *made_of.numbers("median_s", nullable=False),
        *made_of.counts("calls_per_round", nullable=False),
        *made_of.numbers(*_STAGES),
        *made_of.counts(*_PEAKS),
        *made_of.numbers("numerics_error"),
        *made_of.counts(*_EVENTS),
        *made_of.numbers("steal_s", "timed_s"),
        *made_of.documents(*_DOCUMENTS, nullable=True),
        *made_of.numbers("after_s"),
        made_of.check(name, "median_positive", "median_s > 0"),
        made_of.check(name, "calls_positive", "calls_per_round >= 1"),
        made_of.check(name, "rounds_positive", "rounds >= 1"),
        made_of.check(name, "peaks", " AND ".join(f"{peak} >= 0" for peak in _PEAKS)),
        made_of.foreign_key(name, "launch_id", "launches", cascade=True),
        made_of.foreign_key(name, "case_id", "cases"),
        made_of.foreign_key(name, "program_id", "programs"),
        made_of.foreign_key(name, "benchmark_id", "benchmarks"),
        made_of.primary_key(name),
        sa.UniqueConstraint("launch_id", "case_id", name=op.f("uq_measurements_launch_id")),
    )
    op.create_index(
        "ix_measurements_case_launch",
        name,
        ["case_id", "launch_id"],
        postgresql_include=["median_s"],
    )


def _beginnings() -> dict[int, datetime]:
    launches = table_of("launches", started_at=sa.DateTime())
    rows = op.get_bind().execute(sa.select(launches.c.id, launches.c.started_at)).all()
    return {row.id: row.started_at for row in rows}


def _repacked(samples: bytes, calls: int) -> bytes:
    """Until now they were little-endian float64."""
    import numpy as np

    return pack(np.frombuffer(samples, dtype="<f8").tolist(), calls)


def _count_on_from_the_last(name: str) -> None:
    """PostgreSQL counts rows by a sequence, which knows nothing of keys that were given."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608 - a literal
            f"(SELECT coalesce(max(id), 0) + 1 FROM {name}), false)"
        )
