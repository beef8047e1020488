"""One SQL statement of the user's own, which can read and nothing else; its rows as they come."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from sqlalchemy import Engine

from harness.errors import DatabaseFailure, UsageError
from harness.store.database import database_errors, open_for_reading
from harness.store.url import shown, without_password

Rows = Iterator[tuple[Any, ...]]
_Ask = Callable[[str], tuple[list[str], Rows]]

_CHUNK = 500
_STEPS = 100_000
"""Of SQLite's machine, between two looks at what else there is to do: about a millisecond."""

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_LOOKS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"}
"""Pragmas that only tell how a table is made."""

_MISTAKES = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_TOOBIG)
_OUTAGES = ("080", "53", "57P", "58", "XX")  # SQLSTATEs that no other wording would help with


class _Cursor(Protocol):
    @property
    def description(self) -> Any: ...

    def fetchmany(self, size: int, /) -> list[Any]: ...


@contextmanager
def read_statement(url: str, statement: str) -> Iterator[tuple[list[str], Rows]]:
    """Its columns' names, and its rows, which are read while they are taken.

    Columns that hold samples, and are still called `samples_s`, are unpacked; of two columns of one
    name the second is called `NAME_2`. Raises `UsageError` with the database's words for a
    statement that is wrong, more than one, or not one that only reads.
    """
    engine = open_for_reading(url)
    asking = _asking_sqlite if engine.dialect.name == "sqlite" else _asking_postgresql
    try:
        with database_errors(url), engine.connect() as connection:
            # The driver's own cursor: nothing here may take a : or % for a parameter.
            driver: Any = connection.connection.driver_connection
            with asking(driver) as ask:
                with _mistakes(engine, url):
                    names, rows = ask(statement)
                yield _distinct(names), _unpacked(names, _told(engine, url, rows))
    finally:
        engine.dispose()


@contextmanager
def _asking_sqlite(driver: sqlite3.Connection) -> Iterator[_Ask]:
    def ask(statement: str) -> tuple[list[str], Rows]:
        cursor = driver.execute(statement)
        return _names(cursor), _fetched(cursor)

    driver.set_authorizer(_authorise)
    driver.set_progress_handler(_look_at_signals, _STEPS)
    try:
        yield ask
    finally:
        driver.set_progress_handler(None, 0)
        driver.set_authorizer(None)  # or it would forbid the transaction's end


def _look_at_signals() -> int:
    """Python handles signals between its own instructions: without these, Ctrl-C would wait for the
    statement's end. What is raised here interrupts SQLite, and is told by no more than that."""
    return 0


def _authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """`query_only` stops writes to this database; this, ATTACH and the pragma that lifts that."""
    looks = action == sqlite3.SQLITE_PRAGMA and first in _LOOKS
    harmless = first != "load_extension" and second != "load_extension"
    return sqlite3.SQLITE_OK if (action in _READING and harmless) or looks else sqlite3.SQLITE_DENY


@contextmanager
def _asking_postgresql(driver: Any) -> Iterator[_Ask]:
    """The session is read-only. What a cursor is declared for is a query, and what is prepared one
    statement: neither COMMIT nor COPY nor SET can be smuggled in."""
    cursor = driver.cursor()

    def ask(statement: str) -> tuple[list[str], Rows]:
        declared = f"DECLARE asked NO SCROLL CURSOR FOR {statement}"
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(declared.encode(), prepare=True)
        cursor.execute("FETCH 0 FROM asked")
        return _names(cursor), _fetched_forward(cursor)

    yield ask


def _fetched(cursor: _Cursor) -> Rows:
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows


def _fetched_forward(cursor: Any) -> Rows:
    while rows := cursor.execute(f"FETCH FORWARD {_CHUNK} FROM asked").fetchall():
        yield from rows


def _names(cursor: _Cursor) -> list[str]:
    if cursor.description is None:
        raise UsageError("the statement gives no rows; write one SELECT")
    return [column[0] for column in cursor.description]


def _distinct(names: list[str]) -> list[str]:
    seen: list[str] = []
    for name in names:
        free, count = name, 1
        while free in seen:
            count += 1
            free = f"{name}_{count}"
        seen.append(free)
    return seen


def _unpacked(names: list[str], rows: Rows) -> Rows:
    places = [place for place, name in enumerate(names) if name == "samples_s"]
    if not places:
        return rows
    return (_with_samples(row, places) for row in rows)


def _with_samples(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    from harness.store.packing import unpack

    values = list(row)
    for place in places:
        if isinstance(values[place], bytes):
            with suppress(ValueError):  # bytes of another kind stay as they are
                values[place] = unpack(values[place])
    return tuple(values)


def _told(engine: Engine, url: str, rows: Rows) -> Rows:
    """A mistake may show in any row, such as a division by zero."""
    with _mistakes(engine, url):
        yield from rows


@contextmanager
def _mistakes(engine: Engine, url: str) -> Iterator[None]:
    """The driver's errors: those that another wording helps with, and others."""
    of_driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    except ValueError as error:  # what is no UTF-8; of Python 3.11, a NUL
        raise UsageError(f"--sql: {error}") from error
    except (of_driver.Error, sqlite3.Warning) as error:  # Warning: of Python 3.11, two statements
        words = without_password((str(error).splitlines() or [type(error).__name__])[0], url)
        state = getattr(error, "sqlstate", None)
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from error
        server = engine.dialect.name == "postgresql"
        lost = server and (state is None or state.startswith(_OUTAGES))
        if lost or code & 0xFF not in _MISTAKES:
            raise DatabaseFailure(f"{shown(url)}: {words}") from error
        raise UsageError(f"--sql: {words}") from error
