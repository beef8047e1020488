"""Opens the database and turns what can go wrong with it into advice."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)

from harness.errors import DatabaseFailure, NoResults
from harness.store import postgresql, sqlite
from harness.store.damage import Damaged
from harness.store.url import FORMS, parse, shown, without_password

SCHEMA_VERSION = "0013"
"""The newest migration; a database with another one is upgraded or refused."""

_VERSION = re.compile(r"\d{4}")

_ENGINES = {
    ("sqlite", True): sqlite.writing_engine,
    ("sqlite", False): sqlite.reading_engine,
    ("postgresql", True): postgresql.writing_engine,
    ("postgresql", False): postgresql.reading_engine,
}


def open_for_writing(
    url: str, say: Callable[[str], None] | None = None, *, make: bool = True
) -> Engine:
    """The database at `url`, upgraded where needed, and made unless not to. Raises
    `DatabaseFailure`.

    `say` hears of an upgrade, of the copy that was made of an SQLite file before, and of an empty
    file that a database is made in: it may have been another one.
    """
    if not make:
        _refuse_missing(url)
    empty = _empty_file(url)
    engine = _engine(url, writing=True)
    with database_errors(url), closed_on_error(engine):
        version = _version(engine)
        if version != SCHEMA_VERSION:
            _refuse_unknown(url, version)
            if version is None:
                _refuse_to_fill(url, engine, make=make)
                if empty is not None:
                    (say or unheard)(f"{empty} was an empty file: a new database is made in it")
            _upgrade(engine, url, say or unheard)
        with engine.begin() as connection:  # fails now rather than after the first measurement
            connection.execute(text("UPDATE runs SET status = status WHERE id < 0"))
    return engine


def open_for_reading(url: str) -> Engine:
    """The existing database at `url`; never creates one. Raises `DatabaseFailure`."""
    engine = _engine(url, writing=False)
    with database_errors(url), closed_on_error(engine), engine.connect() as connection:
        check_schema(connection, url)
    return engine


def check_schema(connection: Connection, url: str) -> None:
    """Raises `DatabaseFailure` for a schema that is not this version's, and for none."""
    version = _version_in(connection)
    if version is None:
        raise _nothing_there(url, empty=not _holds_tables(connection))
    if version != SCHEMA_VERSION:
        _refuse_unknown(url, version)
        raise DatabaseFailure(
            f"{shown(url)} has the older schema {version}; `jaxrig db upgrade` or the next "
            "`jaxrig run` upgrades it"
        )


def back_up(url: str, to: Path) -> None:
    """Copies an SQLite database of whatever schema to a new file. Raises `DatabaseFailure`."""
    if parse(url).get_backend_name() != "sqlite":
        raise DatabaseFailure(f"{shown(url)} is no SQLite file; pg_dump copies PostgreSQL's")
    engine = _engine(url, writing=False)
    with database_errors(url), closed_on_error(engine):
        _version(engine)  # of another kind of file there is no copy
        sqlite.copy(engine, to)
    engine.dispose()


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Turns the driver's errors into `DatabaseFailure`, each with what to do."""
    try:
        yield
    except Damaged as error:
        raise _failure(url, f"{error}: it is damaged; `jaxrig db check` tells where") from error
    except SQLAlchemyError as error:
        if isinstance(error, StatementError) and isinstance(error.orig, KeyboardInterrupt):
            raise error.orig from None  # a signal, which came while parameters were made
        problem = _advice(error) if isinstance(error, DBAPIError) else str(error)
        raise _failure(url, problem) from _showable(error, url)


def _failure(url: str, problem: str) -> DatabaseFailure:
    return DatabaseFailure(f"{shown(url)}: {without_password(problem, url)}")


def _showable(error: BaseException, url: str) -> BaseException | None:
    """The error as a cause: a traceback prints its text, which may quote the password."""
    return error if without_password(str(error), url) == str(error) else None


@contextmanager
def closed_on_error(engine: Engine) -> Iterator[None]:
    """Leaves no connection of it behind an error."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _advice(error: DBAPIError) -> str:
    # Only SQLite's driver is part of Python; what is not its own is psycopg's.
    if type(error.orig).__module__ == "sqlite3":
        return sqlite.advice(str(error.orig))
    return postgresql.advice(error)


def _engine(url: str, *, writing: bool) -> Engine:
    parsed = parse(url)
    try:
        known = _ENGINES.get((parsed.get_backend_name(), writing))
        if known is None or parsed.get_driver_name() not in ("pysqlite", "psycopg"):
            raise DatabaseFailure(f"{shown(url)}: not one of the databases here; use {FORMS}")
        return known(parsed)
    except ImportError as error:
        raise DatabaseFailure(
            f"{shown(url)} needs psycopg ({error}): pip install 'psycopg[binary]'"
        ) from error
    # ValueError: an option in the URL that is not of the driver's type.
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise _failure(url, f"{error}; use {FORMS}") from _showable(error, url)


def _refuse_missing(url: str) -> None:
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        sqlite.refuse_missing(parsed)


def _empty_file(url: str) -> Path | None:
    """The file of an SQLite database, where there is one that holds nothing."""
    parsed = parse(url)
    return sqlite.empty_file(parsed) if parsed.get_backend_name() == "sqlite" else None


def _refuse_to_fill(url: str, engine: Engine, *, make: bool) -> None:
    if not make:
        raise _nothing_there(url)
    # Asked once more: another process may have made the tables since, and their version with them.
    if _holds_tables(engine) and _version(engine) is None:
        raise DatabaseFailure(
            f"{shown(url)} holds another program's tables; name another with --db"
        )


def _nothing_there(url: str, *, empty: bool = False) -> DatabaseFailure:
    told = f"{shown(url)} holds no jaxrig results; --db or JAXRIG_DB name another"
    return NoResults(told) if empty else DatabaseFailure(told)


def _holds_tables(bind: Engine | Connection) -> bool:
    return bool(inspect(bind).get_table_names())


def _upgrade(engine: Engine, url: str, say: Callable[[str], None]) -> None:
    from harness.store.migrate import upgrade  # Alembic: only where there is work for it

    def before(connection: Connection) -> None:
        version = _version_in(connection)
        if version is None:
            return
        _refuse_unknown(url, version)
        say(f"upgrading {shown(url)} from schema {version} to {SCHEMA_VERSION}")
        if engine.dialect.name == "sqlite":
            say(f"as it was: {sqlite.back_up(engine, version)}")

    upgrade(engine, before)


def unheard(_line: str) -> None:
    """Nobody listens."""


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _version_in(connection)


def _version_in(connection: Connection) -> str | None:
    """The schema version in the database; None where it holds no schema at all."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _refuse_unknown(url: str, version: str | None) -> None:
    """Schema versions are four digits, counted up; what is older can be upgraded."""
    if version is None:
        return
    if not _VERSION.fullmatch(version):
        raise DatabaseFailure(
            f"{shown(url)} is versioned by another program ({version}); "
            "name another database with --db"
        )
    if version > SCHEMA_VERSION:
        raise DatabaseFailure(
            f"{shown(url)} has schema {version}, newer than this jaxrig's {SCHEMA_VERSION}; "
            "upgrade jaxrig, or name another database with --db"
        )
