"""Whether a database is still as it was: a token that is another one after every change."""

import sqlite3
from itertools import count
from pathlib import Path
from threading import Lock
from time import monotonic_ns
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, NullPool, text

from harness.store import sqlite as files
from harness.store.url import parse


class Watch(Protocol):
    def token(self, connection: Connection, /) -> str:
        """Never the same before and after a change. `connection`: one that reads, and has not
        begun to; what it reads afterwards is as new as the token, or newer."""

    def token_at_once(self) -> str | None:
        """Likewise, without a connection; None where that would take a while."""

    def close(self) -> None: ...


def watch(engine: Engine, url: str) -> Watch:
    """`engine`: one that reads."""
    if engine.dialect.name == "postgresql":
        return _Snapshots()
    if isinstance(engine.pool, NullPool):
        return _AsFound(Path(str(parse(url).database)))
    return _Kept(engine)


def file_of(url: str) -> tuple[int, int] | None:
    """Which file an SQLite database is, and not only what it is called; None of a server. Raises
    `DatabaseFailure` where there is none."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    files.refuse_missing(parsed)
    return files.identity_of(Path(str(parsed.database)))


class _Kept:
    """SQLite counts what others commit, for each connection by itself: so one is kept
    (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._driver: Any = self._connection.driver_connection
        self._lock = Lock()
        self._execute("PRAGMA busy_timeout = 0")  # who waits does so elsewhere

    def token(self, connection: Connection, /) -> str:
        """Raises as reading does."""
        found = self.token_at_once()
        if found is None:
            connection.execute(text("SELECT 1 FROM runs LIMIT 1"))  # waits, or says what is wrong
            connection.rollback()
            found = self.token_at_once()
        return found or f"unknown {monotonic_ns()}"

    def token_at_once(self) -> str | None:
        try:
            (found,) = self._execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return str(found)

    def _execute(self, statement: str) -> sqlite3.Cursor:
        with self._lock:
            found: sqlite3.Cursor = self._driver.execute(statement)
        return found

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class _AsFound:
    """Of a file that this user may not write, each connection is a new one. It is read as it is
    while nobody has it open to write; else it is another one each time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = count()

    def token(self, _connection: Connection, /) -> str:
        size, changed_ns = files.state_of(self._path)
        open_to_write = files.log_of(self._path).exists()
        return f"{size}.{changed_ns}" + (f".{next(self._count)}" if open_to_write else "")

    def token_at_once(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is kept."""


class _Snapshots:
    """Of PostgreSQL: which transactions this one sees. Where these are the same, so is what it
    reads (https://www.postgresql.org/docs/current/functions-info.html). It is another one as well
    after a change in another database of that server."""

    def token(self, connection: Connection, /) -> str:
        return str(connection.execute(text("SELECT pg_current_snapshot()::text")).scalar_one())

    def token_at_once(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is kept."""
