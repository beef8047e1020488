"""Rows on their way from one database into another: every column, whichever there are.

A row keeps everything but its `id` and the ids that it refers to: these are numbers of its own
database, and become those of what stands for the same in the other one.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    TableClause,
    TypeDecorator,
    column,
    insert,
    select,
    table,
)

from harness.store.models import Base
from harness.store.shared import KNOWN_BY, SharedRows

ROWS_AT_ONCE = 500

Stored = Row[*tuple[Any, ...]]


@cache
def stored(model: type[Base]) -> TableClause:
    """The model's table, what is packed in it as bytes: no need to unpack it on its way."""
    of = Base.metadata.tables[model.__tablename__]
    kinds = ((each.name, _packed(each.type) or each.type) for each in of.columns)
    return table(of.name, *(column(name, kind) for name, kind in kinds))


class Source:
    """A database that rows come from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, int], str] = {}
        """What shared rows are known by, as far as they were met."""

    def rows(self, model: type[Base], *where: ColumnElement[bool]) -> list[Stored]:
        return [row for chunk in self.chunks(model, *where) for row in chunk]

    def row(self, model: type[Base], key: int) -> Stored:
        (found,) = self.rows(model, stored(model).c.id == key)
        return found

    def chunks(self, model: type[Base], *where: ColumnElement[bool]) -> Iterator[Sequence[Stored]]:
        """The rows in the order of their keys, a part of them in memory at once."""
        keys = Base.metadata.tables[model.__tablename__].primary_key.columns
        query = select(stored(model)).where(*where).order_by(*(each.name for each in keys))
        streaming = {"stream_results": True, "max_row_buffer": ROWS_AT_ONCE}
        with self._connection.execute(query, execution_options=streaming) as found:
            yield from found.partitions(ROWS_AT_ONCE)

    def pages(self, model: type[Base], *columns: ColumnElement[Any]) -> Iterator[Sequence[Stored]]:
        """`id` and `columns` of all rows, in order. Each page is read to its end before it is
        handed out."""
        of, last = stored(model), -1
        query = select(of.c.id, *columns).order_by(of.c.id).limit(ROWS_AT_ONCE)
        while page := self._connection.execute(query.where(of.c.id > last)).all():
            yield page
            last = page[-1].id

    def key_of_shared(self, name: str, key: int) -> str | None:
        return self._keys.get((name, key))

    def shared_row(self, name: str, key: int) -> dict[str, Any]:
        of = Base.metadata.tables[name]
        row = self._connection.execute(select(of).where(of.c.id == key)).one()._asdict()
        self._keys[name, key] = row[KNOWN_BY[name]]
        return row


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
        return self.shared.copied(
            self.connection, name, {each: self._fit(value) for each, value in row.items()}
        )

    def _values(self, model: type[Base], row: Stored, instead: dict[str, Any]) -> dict[str, Any]:
        told = row._mapping
        return {
            name: instead[name] if name in instead else self._value(target, told[name])
            for name, target in _columns(model)
        }

    def _value(self, target: str | None, value: Any) -> Any:
        if value is None or target is None:
            return self._fit(value)
        return self.shared_id(target, value) if target in KNOWN_BY else self.ids[target][value]

    def _fit(self, value: Any) -> Any:
        # PostgreSQL's text has no NUL.
        if isinstance(value, str) and "\0" in value and self.connection.dialect.name != "sqlite":
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return value


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
