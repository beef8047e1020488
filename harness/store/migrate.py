"""Brings a database to this version's schema, through Alembic."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from harness.errors import DatabaseFailure
from harness.store import postgresql
from harness.store.models import Base


def upgrade(engine: Engine, before: Callable[[Connection], None] | None = None) -> None:
    """Runs the migrations that the database lacks, all in one transaction; of an empty one it makes
    at once what they all lead to.

    Of processes that try at once one does it, the others find it done. `before` is called where
    there is work to do, once nobody else can do it.
    """
    with (
        engine.connect() as connection,
        _tables_may_be_made_anew(connection),
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            postgresql.lock_upgrades(connection)
        settings = configuration()
        heads = ScriptDirectory.from_config(settings).get_heads()
        current = MigrationContext.configure(connection).get_current_heads()
        if current == tuple(heads):
            return
        if before is not None:
            before(connection)
        settings.attributes["connection"] = connection
        if current:
            command.upgrade(settings, "head")
            _check_references(connection)
        else:
            _make(connection)
            command.stamp(settings, "head")


def _make(connection: Connection) -> None:
    """Tables and views, as the newest migration leaves them: to go through all of them would take
    ten times as long."""
    Base.metadata.create_all(connection)
    newest = import_module("harness.store.migrations.versions.0006_shared")
    for view in (newest.MACHINE_ROOTS, newest.RUN_OVERVIEW):
        connection.execute(text(view))


@contextmanager
def _tables_may_be_made_anew(connection: Connection) -> Iterator[None]:
    """SQLite alters most of a table by making another and dropping the first, which would delete
    what refers to it (https://www.sqlite.org/lang_altertable.html, section 7). It can be told
    otherwise only outside of transactions."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise DatabaseFailure(f"the upgrade would lose what rows refer to: {lost[:3]}")


def configuration() -> Config:
    """Alembic's view of the migrations that ship beside this module."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings
