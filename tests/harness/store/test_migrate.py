"""The migrations lead to exactly what the models say."""

from dataclasses import fields

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from harness.store.database import SCHEMA_VERSION, open_for_reading, open_for_writing
from harness.store.migrate import configuration, upgrade
from harness.store.models import Base
from harness.store.reader import Run


def test_the_newest_migration_is_the_version_that_the_program_asks_for() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [SCHEMA_VERSION]


def test_a_migrated_database_equals_the_models(url: str) -> None:
    engine = create_engine(url)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_checks_are_in_the_database_and_not_only_in_the_models(url: str) -> None:
    """Alembic does not compare check constraints."""
    names = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name
    }
    engine = open_for_writing(url)
    with engine.connect() as connection:
        schema = "".join(connection.scalars(text("SELECT sql FROM sqlite_master WHERE sql > ''")))
    engine.dispose()
    assert {name for name in names if name not in schema} == set()
    assert {"ck_runs_status", "ck_measurements_median_positive"} <= names


def test_the_overview_has_what_runs_are_read_by(url: str) -> None:
    """Alembic does not compare views."""
    engine = open_for_writing(url)
    with engine.connect() as connection:
        columns = list(connection.execute(text("SELECT * FROM run_overview")).keys())
    engine.dispose()
    assert columns == ["id", *(field.name for field in fields(Run))]


def test_upgrading_again_changes_nothing(url: str) -> None:
    engine = open_for_writing(url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO images (digest, tag, first_seen_at) VALUES ('d', 't', '2026-01-01')")
        )
    upgrade(engine)
    engine.dispose()
    reader = open_for_reading(url)
    with reader.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 1
    reader.dispose()
