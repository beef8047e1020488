"""The migrations lead to exactly what the models say."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from harness.errors import DatabaseFailure
from harness.store.database import SCHEMA_VERSION, open_for_reading, open_for_writing
from harness.store.migrate import configuration, upgrade
from harness.store.models import Base
from harness.store.postgresql import lock_upgrades
from harness.store.reader import Reader, Run
from harness.store.writer import Store

OLD = (
    "INSERT INTO machines VALUES (1, 'f', 'm', '{}', '2026-01-01')",
    (
        "INSERT INTO runs VALUES (1, 'old', 'done', 'cpu', 'cpu', 'process', 'quick', '[\"a\"]', 1,"
        " '{}', 1, NULL, NULL, NULL, '0.1.0', 'o', '2026-01-01', '2026-01-01', NULL)"
    ),
    (
        'INSERT INTO launches (id, run_id, "index", part, status, limits, env, started_at)'
        " VALUES (1, 1, 0, 0, 'done', '{}', '{}', '2026-01-01')"
    ),
    (
        'INSERT INTO measurements (launch_id, "case", workload, phase, dtype, parameters,'
        " samples_s, rounds, median_s, calls_per_round, trace_s, lower_s, compile_s, first_call_s,"
        " flops, bytes, hlo_sha256, numerics_error, numerics_tolerance, minor_faults, major_faults,"
        " voluntary_switches, involuntary_switches, timed_s, warnings, measured_at)"
        " VALUES (1, 'a', 'w', 'p', 'f32', '{}', x'000000000000e03f000000000000d03f',"
        " 2, 0.375, 1, 1.5, 1, 1, 1, 1, 1, 'ab', 0, 1, 0, 0, 0, 0, 1, '[\"hot\"]', '2026-01-01')"
    ),
)
"""Rows as the first schema has them."""


def test_the_newest_migration_is_the_version_that_the_program_asks_for() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [SCHEMA_VERSION]


def migrate(engine: Engine) -> None:
    """Through every migration, as `upgrade` does where there is a database already."""
    with engine.begin() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
    upgrade(engine)


def described(engine: Engine) -> dict[str, Any]:
    """What tables and views are made of, but for the names of sequences."""
    inspector = inspect(engine)
    tables: dict[str, Any] = {
        name: {
            "columns": sorted(
                (each["name"], str(each["type"]), each["nullable"], each["default"] is None)
                for each in inspector.get_columns(name)
            ),
            "primary_key": inspector.get_pk_constraint(name),
            "foreign_keys": _in_order(inspector.get_foreign_keys(name)),
            "unique": _in_order(inspector.get_unique_constraints(name)),
            "indexes": _in_order(inspector.get_indexes(name)),
            "checks": _in_order(inspector.get_check_constraints(name)),
        }
        for name in inspector.get_table_names()
    }
    views = {
        name: " ".join(inspector.get_view_definition(name).split())
        for name in inspector.get_view_names()
    }
    return {**tables, **views}


def _in_order(found: Sequence[Any]) -> list[str]:
    """Each once: some migrations say a check again that stands in SQLite's table already."""
    return sorted({str(sorted(each.items())) for each in found})


def test_a_database_that_is_made_at_once_is_what_the_migrations_lead_to(either_url: str) -> None:
    engine = create_engine(either_url)
    upgrade(engine)
    made = described(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW run_overview"))
        connection.execute(text("DROP VIEW machine_roots"))
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    migrate(engine)
    assert described(engine) == made
    engine.dispose()


def test_a_migrated_database_equals_the_models(either_url: str) -> None:
    engine = create_engine(either_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_checks_are_in_the_database_and_not_only_in_the_models(either_url: str) -> None:
    """Alembic does not compare check constraints."""
    names = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name
    }
    told_by = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE sql > ''",
        "postgresql": "SELECT conname FROM pg_constraint",
    }
    engine = open_for_writing(either_url)
    with engine.connect() as connection:
        schema = "\n".join(connection.scalars(text(told_by[engine.dialect.name])))
    engine.dispose()
    assert {name for name in names if name not in schema} == set()
    assert {"ck_runs_status", "ck_measurements_median_positive"} <= names


def test_the_overview_has_what_runs_are_read_by(either_url: str) -> None:
    """Alembic does not compare views."""
    engine = open_for_writing(either_url)
    with engine.connect() as connection:
        columns = list(connection.execute(text("SELECT * FROM run_overview")).keys())
    engine.dispose()
    assert columns == ["id", *(field.name for field in fields(Run)), "owner", "deadline_at"]


def test_an_older_database_keeps_what_it_holds(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
        for statement in OLD:
            connection.execute(text(statement))
    engine.dispose()
    with pytest.raises(DatabaseFailure, match="older schema 0001"):
        Reader(url)
    Store(url).close()
    with Reader(url) as reader:
        (run,) = reader.runs()
        (row,) = reader.measurements("old").to_dict("records")
    assert (run.run, run.measurements, run.skipped) == ("old", 1, 0)
    assert row["samples_s"].tolist() == [0.5, 0.25]
    assert (row["trace_s"], row["hlo_sha256"], row["warnings"]) == (1.5, "ab", ["hot"])
    assert (row["storage_bytes"], row["link_bytes"], row["observations"]) == (0.0, 0.0, {})
    assert (row["work_unit"], row["work_count"]) == (None, None)
    assert (row["phase"], row["dtype"], row["flops"], row["numerics_tolerance"]) == (
        *("p", "f32", 1.0, 1.0),
    )
    assert (row["benchmark_group"], row["benchmark_options"], row["extra_info"]) == (None,) * 3


def test_upgrading_again_changes_nothing(either_url: str) -> None:
    engine = open_for_writing(either_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO images (digest, tag, first_seen_at) VALUES ('d', 't', '2026-01-01')")
        )
    upgrade(engine)
    engine.dispose()
    reader = open_for_reading(either_url)
    with reader.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 1
    reader.dispose()


def test_an_upgrade_of_postgresql_waits_for_another_and_finds_it_done(
    postgresql_url: str,
) -> None:
    """SQLite's writers take turns anyway."""
    engine = create_engine(postgresql_url)
    upgrades: list[Connection] = []
    with engine.begin() as other, ThreadPoolExecutor(1) as pool:
        lock_upgrades(other)
        waiting = pool.submit(upgrade, engine, upgrades.append)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        settings = configuration()
        settings.attributes["connection"] = other
        command.upgrade(settings, "head")
        other.commit()
        waiting.result(60)
    engine.dispose()
    assert upgrades == []
