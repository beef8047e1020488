"""SQLite: how a file is opened, copied before an upgrade, and what its errors ask for."""

import os
import sqlite3
import stat
import time
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    NullPool,
    PoolProxiedConnection,
    create_engine,
    event,
)
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from harness.errors import DatabaseFailure, NoResults
from harness.store.text import document

_BUSY_TIMEOUT_MS = 30_000
_PAGES_A_STEP = 4096
_MANY_FREE = 0.1
"""Of a file's pages: so many that hold nothing are worth making it anew."""

_AS_FOUND = "as found"


def writing_engine(url: URL) -> Engine:
    """A writer takes its lock at the start: one that starts as a reader and writes later cannot
    wait for another writer, it fails at once."""
    engine = create_engine(url, json_serializer=document)
    event.listen(engine, "connect", _prepare_writer)
    event.listen(engine, "begin", partial(_execute, "BEGIN IMMEDIATE"))
    return engine


def reading_engine(url: URL) -> Engine:
    """Raises `DatabaseFailure` where there is no file: reading never makes one."""
    refuse_missing(url)
    path = Path(str(url.database))
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        engine = create_engine(url)
    else:
        engine = create_engine(url, poolclass=NullPool)  # what holds for one may not for the next
        event.listen(engine, "do_connect", partial(_connect_as_it_is, path))
        event.listen(engine, "checkin", partial(_refuse_changed, path))
    event.listen(engine, "connect", _prepare_reader)
    event.listen(engine, "begin", partial(_execute, "BEGIN"))
    return engine


def refuse_missing(url: URL) -> None:
    """Raises `DatabaseFailure` where there is no file."""
    path = Path(str(url.database))
    if not _exists(path):
        raise NoResults(
            f"no database at {path}; `jaxrig run` makes one, --db or JAXRIG_DB name another"
        )


def empty_file(url: URL) -> Path | None:
    """The file, where there is one that holds nothing."""
    path = Path(str(url.database))
    try:
        found = path.stat()
    except OSError:
        return None  # whoever opens it tells why
    return path if stat.S_ISREG(found.st_mode) and found.st_size == 0 else None


def copy(engine: Engine, to: Path) -> None:
    """Copies the file as last committed, readers and a writer at work or not, to a new file.

    Raises `DatabaseFailure`, and then leaves no copy.
    """
    connection = engine.raw_connection()
    try:
        source = _driver(connection)
        mode = _file_of(source).stat().st_mode & 0o777
        # Who may not read the database may not read its copy either.
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            _copy(source, to)
            connection.close()  # may find that the file changed meanwhile
        except BaseException:
            to.unlink()
            raise
    except (OSError, sqlite3.Error) as error:
        raise DatabaseFailure(
            f"no copy of the database could be made at {to}, and nothing was changed ({error}); "
            "make room there, or see to its folder's permissions"
        ) from error
    finally:
        connection.close()


def back_up(engine: Engine, version: str) -> Path:
    """A copy beside the file, named by its schema version. No copy is ever overwritten: the second
    of a version is `results.db.0005.2.bak`. Raises `DatabaseFailure`."""
    connection = engine.raw_connection()
    original = _file_of(_driver(connection))
    connection.close()
    free = original.with_name(f"{original.name}.{version}.bak")
    count = 1
    while free.exists():
        count += 1
        free = original.with_name(f"{original.name}.{version}.{count}.bak")
    copy(engine, free)
    return free


def give_back(engine: Engine, *, pruned: bool) -> None:
    """Pages that hold nothing any more, to the file system: where something was just pruned, and
    where an earlier attempt failed."""
    with engine.connect() as connection:
        free, pages = (
            _execute(f"PRAGMA {count}", connection).fetchone()[0]
            for count in ("freelist_count", "page_count")
        )
        if pruned or free > _MANY_FREE * pages:
            _execute("VACUUM", connection)  # outside of any transaction
            _execute("PRAGMA wal_checkpoint(TRUNCATE)", connection)


def advice(problem: str) -> str:
    """The driver's message, and what to do."""
    known = {
        "file is not a database": "it is another kind of file; name another with --db",
        "malformed": "it is damaged; restore a copy, or name another with --db",
        "readonly": "it cannot be written; check its permissions and those of its folder",
        "unable to open": "it cannot be opened or made; check the folder and its permissions",
        "disk is full": "the disk is full; make room. What was committed before is kept",
        "disk I/O error": "the disk failed, is full or takes no writes; what was committed before "
        "is kept",
        "locked": "another process held it too long; try again when that has ended",
        "no such table": "it is damaged or not jaxrig's; restore a copy, or name another with --db",
    }
    for sign, what_to_do in known.items():
        if sign in problem:
            return f"{problem}: {what_to_do}"
    return problem


def _driver(connection: PoolProxiedConnection) -> sqlite3.Connection:
    driver: Any = connection.driver_connection
    return cast("sqlite3.Connection", driver)


def _file_of(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def _copy(source: sqlite3.Connection, to: Path) -> None:
    target = sqlite3.connect(to)
    try:
        source.backup(target, pages=_PAGES_A_STEP)
        # In one file, whatever the original's mode: it can be moved as it is.
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        target.close()


def _execute(statement: str, connection: Connection) -> sqlite3.Cursor:
    # By the driver itself: SQLAlchemy's way around it takes as long as writing a measurement.
    driver = _driver(connection.connection)
    try:
        return driver.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error


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


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DatabaseFailure(f"{path} cannot be looked at: {error.strerror}") from error


def _connect_as_it_is(
    path: Path, dialect: Dialect, record: ConnectionPoolEntry, _: Any, options: dict[str, Any]
) -> DBAPIConnection | None:
    """A reader's connection to a database that it may not write: SQLite wants to make files beside
    one in WAL mode, even to read it. Without a log beside it, it can be read as it is."""
    if _exists(log_of(path)):
        return None
    record.info[_AS_FOUND] = state_of(path)
    uri = f"file:{quote(str(path.absolute()))}?immutable=1"
    return dialect.connect(uri, **{**options, "uri": True})


def _refuse_changed(path: Path, _: Any, record: ConnectionPoolEntry) -> None:
    """What was read as it is must be so to the end: nothing else keeps a writer away from it."""
    found = record.info.get(_AS_FOUND)
    if found is not None and (_exists(log_of(path)) or state_of(path) != found):
        record.invalidate()
        raise DatabaseFailure(f"{path} changed while it was read; ask again")


def log_of(path: Path) -> Path:
    """Where what was committed is written first."""
    return path.with_name(f"{path.name}-wal")


def state_of(path: Path) -> tuple[int, int]:
    """Its size and the moment of its last change. Raises `DatabaseFailure`."""
    found = _looked_at(path)
    return found.st_size, found.st_mtime_ns


def identity_of(path: Path) -> tuple[int, int]:
    """Which file it is, whatever it is called. Raises `DatabaseFailure`."""
    found = _looked_at(path)
    return found.st_dev, found.st_ino


def _looked_at(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DatabaseFailure(f"{path} cannot be looked at: {error.strerror}") from error
