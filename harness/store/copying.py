"""Rows on their way from one database into another: every column, whichever there are.

A row keeps everything but its `id` and the ids that it refers to: these are numbers of its own
database, and become those of what stands for the same in the other one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    TableClause,
    TypeDecorator,
    column,
    func,
    insert,
    select,
    table,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from harness.errors import DatabaseFailure
from harness.store.database import database_errors, open_for_reading
from harness.store.models import Base
from harness.store.postgresql import problem
from harness.store.shared import KNOWN_BY, SharedRows
from harness.store.url import shown

ROWS_AT_ONCE = 500

_OTHER_TYPE = "42804"
"""SQLSTATE of a value that is not of its column's type."""

_TURN_LOCK = 0x6A617872_696701  # "jaxrig", and a number; of this database alone

Stored = Row[*tuple[Any, ...]]


class SourceFailure(DatabaseFailure):
    """Rows cannot be read where they come from, or are such that no database takes them."""


@contextmanager
def refusals(failure: Callable[[str], Exception]) -> Iterator[None]:
    """Where a database refuses rows and is not at fault itself, raises a `failure` with the
    reason."""
    try:
        yield
    except StatementError as error:
        if not _is_of_rows(error):
            raise
        told = problem(error) if isinstance(error, DBAPIError) else str(error.orig)
        raise failure(told) from error


def _is_of_rows(error: StatementError) -> bool:
    if isinstance(error, DBAPIError):
        other_type = getattr(error.orig, "sqlstate", None) == _OTHER_TYPE
        return other_type or isinstance(error, DataError | IntegrityError)
    return isinstance(error.orig, Exception)  # a value that its column cannot have


def take_turn(connection: Connection) -> None:
    """Lets one process at a time bring runs, until its transaction ends: of two that bring the same
    one the second finds it there. SQLite's writers take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_TURN_LOCK)))


@cache
def stored(model: type[Base]) -> TableClause:
    """The model's table, what is packed in it as bytes: no need to unpack it on its way."""
    of = Base.metadata.tables[model.__tablename__]
    kinds = ((each.name, _packed(each.type) or each.type) for each in of.columns)
    return table(of.name, *(column(name, kind) for name, kind in kinds))


@contextmanager
def open_source(url: str) -> Iterator["Source"]:
    """The database as it is now, whatever is written to it meanwhile. Raises `SourceFailure`."""
    with _blaming(url):
        engine = open_for_reading(url)
    try:
        with _blaming(url):
            connection = engine.connect()
        try:
            if engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield Source(connection, url)
        finally:
            with _blaming(url):  # a file may have changed while it was read
                connection.close()
    finally:
        engine.dispose()


class Source:
    """A database that rows come from. Raises `SourceFailure`, which names it: the transaction that
    its rows go into is another database's."""

    def __init__(self, connection: Connection, url: str) -> None:
        self._connection, self._url = connection, url
        self._keys: dict[tuple[str, int], str] = {}
        """What shared rows are known by, as far as they were met."""

    @property
    def is_lost(self) -> bool:
        """Whether its server went away: nothing more can be read."""
        return self._connection.invalidated

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What cannot be read in it keeps nothing else from being read: PostgreSQL would give up
        the whole transaction."""
        if self._connection.dialect.name != "postgresql":
            yield
            return
        with _blaming(self._url):
            savepoint = self._connection.begin_nested()
        try:
            yield
        except SourceFailure:
            if not self.is_lost:
                with _blaming(self._url):
                    savepoint.rollback()
            raise
        with _blaming(self._url):
            savepoint.commit()

    def failure(self, problem: str) -> SourceFailure:
        return SourceFailure(f"{shown(self._url)}: {problem}")

    def rows(self, model: type[Base], *where: ColumnElement[bool]) -> list[Stored]:
        return [row for chunk in self.chunks(model, *where) for row in chunk]

    def row(self, model: type[Base], key: int) -> Stored:
        found = self.rows(model, stored(model).c.id == key)
        if not found:
            raise SourceFailure(f"{shown(self._url)}: {model.__tablename__} lacks row {key}")
        return found[0]

    def chunks(self, model: type[Base], *where: ColumnElement[bool]) -> Iterator[Sequence[Stored]]:
        """The rows in the order of their keys, a part of them in memory at once."""
        keys = Base.metadata.tables[model.__tablename__].primary_key.columns
        query = select(stored(model)).where(*where).order_by(*(each.name for each in keys))
        streaming = {"stream_results": True, "max_row_buffer": ROWS_AT_ONCE}
        with (
            _blaming(self._url),
            self._connection.execute(query, execution_options=streaming) as found,
        ):
            yield from found.partitions(ROWS_AT_ONCE)

    def keys(self, model: type[Base]) -> list[int]:
        """The ids of all rows, in order. Where a table of SQLite's is damaged, its indexes may
        still tell them."""
        of = stored(model)
        try:
            with self.attempt():
                found = self._all(select(of.c.id).order_by(of.c.id))
        except SourceFailure:
            if self.is_lost:
                raise
            found = self._all(select(of.c.id))
        return sorted(row.id for row in found)

    def columns(
        self, model: type[Base], keys: Sequence[int], *columns: ColumnElement[Any]
    ) -> Sequence[Stored]:
        """`id` and `columns` of these rows, in order."""
        of = stored(model)
        return self._all(select(of.c.id, *columns).where(of.c.id.in_(keys)).order_by(of.c.id))

    def key_of_shared(self, name: str, key: int) -> str | None:
        return self._keys.get((name, key))

    def shared_row(self, name: str, key: int) -> dict[str, Any]:
        of = Base.metadata.tables[name]
        with _blaming(self._url):
            row = self._connection.execute(select(of).where(of.c.id == key)).one()._asdict()
        self._keys[name, key] = row[KNOWN_BY[name]]
        return row

    def missing(self, name: str, key: int) -> SourceFailure:
        """Of a row that another one refers to."""
        return self.failure(f"a row refers to {key} of {name}, which is not there")

    def _all(self, query: Select[*tuple[Any, ...]]) -> Sequence[Stored]:
        with _blaming(self._url):
            return self._connection.execute(query).all()


@contextmanager
def _blaming(url: str) -> Iterator[None]:
    """What cannot be read, or is no UUID, time or document, as a `SourceFailure`."""
    try:
        with database_errors(url):
            yield
    except DatabaseFailure as error:
        raise SourceFailure(str(error)) from error
    except (AttributeError, TypeError, ValueError) as error:
        raise SourceFailure(f"{shown(url)}: {error}") from error


@dataclass
class Transfer:
    """A transaction of the database that rows go into, and what was found or made in it.

    `ids`: by table, ids of the source, and of what stands for them here.
    """

    source: Source
    connection: Connection
    shared: SharedRows
    ids: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, model: type[Base], row: Stored, **instead: Any) -> int:
        """A row, with some columns `instead` of its own; its id here."""
        into = stored(model)
        values = self._values(model, row, instead)
        made = self.connection.execute(insert(into).values(values).returning(into.c.id))
        here = int(made.scalar_one())
        self.ids[model.__tablename__][row.id] = here
        return here

    def add_all(self, model: type[Base], *where: ColumnElement[bool]) -> int:
        """Rows of the source that nothing refers to; how many."""
        count = 0
        for chunk in self.source.chunks(model, *where):
            self.connection.execute(
                insert(stored(model)), [self._values(model, row, {}) for row in chunk]
            )
            count += len(chunk)
        return count

    def known(self, model: type[Base], row: Stored) -> int | None:
        """The row of the same UUID here, and from now on its id is known."""
        of = stored(model)
        here: int | None = self.connection.scalar(select(of.c.id).where(of.c.uuid == row.uuid))
        if here is not None:
            self.ids[model.__tablename__][row.id] = here
        return here

    def shared_id(self, name: str, key: int) -> int:
        """What stands here for the shared row `key` of a table: found, or made."""
        known_by = self.source.key_of_shared(name, key)
        here = None if known_by is None else self.shared.same(name, known_by)
        if here is not None:
            return here
        row = self.source.shared_row(name, key)
        del row["id"]
        return self.shared.copied(self.connection, name, row)

    def _values(self, model: type[Base], row: Stored, instead: dict[str, Any]) -> dict[str, Any]:
        told = row._mapping
        return {
            name: instead[name] if name in instead else self._value(target, told[name])
            for name, target in _columns(model)
        }

    def _value(self, target: str | None, value: Any) -> Any:
        if value is None or target is None:
            return value
        if target in KNOWN_BY:
            return self.shared_id(target, value)
        if value not in self.ids[target]:
            raise self.source.missing(target, value)
        return self.ids[target][value]


@cache
def _columns(model: type[Base]) -> tuple[tuple[str, str | None], ...]:
    """Every column but `id`, and the table whose rows it refers to."""
    return tuple(
        (each.name, next((key.column.table.name for key in each.foreign_keys), None))
        for each in Base.metadata.tables[model.__tablename__].columns
        if each.name != "id"
    )


def _packed(kind: Any) -> LargeBinary | None:
    is_packed = isinstance(kind, TypeDecorator) and isinstance(kind.impl_instance, LargeBinary)
    return LargeBinary() if is_packed else None
