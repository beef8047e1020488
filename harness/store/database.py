"""Opens the database and turns what can go wrong with it into advice."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from harness.errors import DatabaseFailure

SCHEMA_VERSION = "0005"
"""The newest migration; a database with another one is upgraded or refused."""

_BUSY_TIMEOUT_MS = 30_000

_VERSION = re.compile(r"\d{4}")

_Prepare = Callable[[sqlite3.Connection, Any], None]


def open_for_writing(url: str) -> Engine:
    """The database at `url`, made or upgraded where needed. Raises `DatabaseFailure`."""
    engine = _engine(url, begin="BEGIN IMMEDIATE", prepare=_prepare_writer)
    with database_errors(url), _closed_on_error(engine):
        version = _version(engine)
        if version != SCHEMA_VERSION:
            _refuse_unknown(url, version)
            if version is None and inspect(engine).get_table_names():
                raise DatabaseFailure(
                    f"{_shown(url)} holds another program's tables; name another with --db"
                )
            from harness.store.migrate import upgrade  # Alembic: only where there is work for it

            upgrade(engine)
        with engine.begin() as connection:  # fails now rather than after the first measurement
            connection.execute(text("UPDATE runs SET status = status WHERE id < 0"))
    return engine


def open_for_reading(url: str) -> Engine:
    """The existing database at `url`; never creates one. Raises `DatabaseFailure`."""
    path = _sqlite_path(_parse(url))
    if path is not None and not _exists(path):
        raise DatabaseFailure(
            f"no database at {path}; `jaxrig run` makes one, --db or JAXRIG_DB name another"
        )
    location = url if path is None else _readable(url, path)
    engine = _engine(location, begin="BEGIN", prepare=_prepare_reader)
    with database_errors(url), _closed_on_error(engine):
        version = _version(engine)
        if version is None:
            raise DatabaseFailure(
                f"{_shown(url)} holds no jaxrig results; --db or JAXRIG_DB name another"
            )
        if version != SCHEMA_VERSION:
            _refuse_unknown(url, version)
            raise DatabaseFailure(
                f"{_shown(url)} has the older schema {version}; the next `jaxrig run` upgrades it"
            )
    return engine


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Turns the driver's errors into `DatabaseFailure`, each with what to do."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseFailure(f"{_shown(url)}: {_advice(str(error.orig))}") from error
    except SQLAlchemyError as error:
        raise DatabaseFailure(f"{_shown(url)}: {error}") from error


@contextmanager
def _closed_on_error(engine: Engine) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _advice(problem: str) -> str:
    advice = {
        "file is not a database": "it is another kind of file; name another with --db",
        "malformed": "it is damaged; restore a copy, or name another with --db",
        "readonly": "it cannot be written; check its permissions and those of its folder",
        "unable to open": "it cannot be opened or made; check the folder and its permissions",
        "disk is full": "the disk is full; make room. What was committed before is kept",
        "disk I/O error": "the disk failed or is full; what was committed before is kept",
        "locked": "another process held it too long; try again when that has ended",
        "no such table": "it is damaged or not jaxrig's; restore a copy, or name another with --db",
    }
    for sign, what_to_do in advice.items():
        if sign in problem:
            return f"{problem}: {what_to_do}"
    return problem


def _engine(url: str, *, begin: str, prepare: _Prepare) -> Engine:
    """`begin`: how SQLite starts a transaction. A writer takes its lock at the start: one that
    starts as a reader and writes later cannot wait for another writer, it fails at once."""
    parsed = _parse(url)
    try:
        engine = create_engine(parsed)
    # ValueError: an option in the URL that is not of the driver's type.
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseFailure(f"{_shown(url)}: {error}; use sqlite:///FILE") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", prepare)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare_writer(connection: sqlite3.Connection, _record: Any) -> None:
    # With WAL, NORMAL keeps every commit through a crash of the process; only a power cut may
    # take the last ones, never the file's integrity (https://www.sqlite.org/pragma.html).
    _prepare(connection, "foreign_keys = ON", "synchronous = NORMAL")
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """The mode stays with the file; only whoever makes the file has to set it.

    SQLite answers "locked" at once, whatever its busy timeout, where another process is in the
    file at that moment (https://www.sqlite.org/wal.html, section 8).
    """
    end = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)
            continue
        if mode != "wal":
            raise DatabaseFailure(
                f"this database stays in journal mode {mode}, and write-ahead logging is needed; "
                "name a file on a local disk with --db"
            )
        return


def _prepare_reader(connection: sqlite3.Connection, _record: Any) -> None:
    # The file may be somebody else's: even its journal mode stays as it is.
    _prepare(connection, "query_only = ON")


def _prepare(connection: sqlite3.Connection, *pragmas: str) -> None:
    # The driver's own BEGIN is off: it would come too late, and not at all before DDL.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _version(engine: Engine) -> str | None:
    """The schema version in the database; None where it holds no schema at all."""
    with engine.connect() as connection:
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
            f"{_shown(url)} is versioned by another program ({version}); "
            "name another database with --db"
        )
    if version > SCHEMA_VERSION:
        raise DatabaseFailure(
            f"{_shown(url)} has schema {version}, newer than this jaxrig's {SCHEMA_VERSION}; "
            "upgrade jaxrig, or name another database with --db"
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseFailure(
            f"{url!r} is not a database URL; write sqlite:///FILE, as in sqlite:///results.db"
        ) from error
    in_memory = parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory"
    if parsed.get_backend_name() == "sqlite" and in_memory:
        raise DatabaseFailure(f"{url} keeps nothing: it is in memory; write sqlite:///FILE")
    return parsed


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DatabaseFailure(f"{path} cannot be looked at: {error.strerror}") from error


def _readable(url: str, path: Path) -> str:
    """Where a reader finds a database that it may not write: SQLite wants to make files beside
    one in WAL mode, even to read it. Without a log beside it, it can be read as it is."""
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if writable or _exists(path.with_name(f"{path.name}-wal")):
        return url
    return f"sqlite:///file:{quote(str(path.absolute()))}?immutable=1&uri=true"


def _sqlite_path(url: URL) -> Path | None:
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
