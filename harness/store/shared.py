"""Rows that many others refer to: found by what they are known by, or made.

Two writers may come to the same one at once: whoever is second takes the row of the first.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.store.models import (
    Base,
    BenchmarkRow,
    CaseRow,
    EnvironmentRow,
    ImageRow,
    MachineRow,
    ProgramRow,
    SelectionRow,
)
from harness.store.text import document

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""By dialect: SQLAlchemy's own knows nothing of conflicts."""

_Key = tuple[str, str]

KNOWN_BY = {
    MachineRow.__tablename__: "fingerprint",
    ImageRow.__tablename__: "digest",
    EnvironmentRow.__tablename__: "sha256",
    SelectionRow.__tablename__: "sha256",
    CaseRow.__tablename__: "sha256",
    BenchmarkRow.__tablename__: "sha256",
    ProgramRow.__tablename__: "sha256",
}
"""The column that a shared row is known by, in every database, by the name of its table."""


@dataclass
class SharedRows:
    """Ids of shared rows, remembered once they are committed; until then they are `pending`."""

    known: dict[_Key, int] = field(default_factory=dict)
    pending: dict[_Key, int] = field(default_factory=dict)
    digests: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """Of contents that came before: as JSON they would take longer than anything else here."""

    def committed(self) -> None:
        self.known |= self.pending
        self.pending.clear()

    def machine(
        self,
        connection: Connection,
        *,
        fingerprint: str,
        name: str,
        facts: Mapping[str, Any],
        first_seen_at: datetime,
    ) -> int:
        more = {"name": name, "facts": dict(facts), "first_seen_at": first_seen_at}
        return self._id_of(connection, MachineRow.__tablename__, fingerprint, more)

    def image(
        self, connection: Connection, *, digest: str, tag: str, first_seen_at: datetime
    ) -> int:
        more = {"tag": tag, "first_seen_at": first_seen_at}
        return self._id_of(connection, ImageRow.__tablename__, digest, more)

    def environment(self, connection: Connection, facts: Mapping[str, Any]) -> int:
        more = {"facts": dict(facts)}
        return self._id_of(connection, EnvironmentRow.__tablename__, digest_of(facts), more)

    def selection(self, connection: Connection, cases: list[str]) -> int:
        return self._by_content(connection, SelectionRow, {"cases": cases})

    def case(self, connection: Connection, **values: Any) -> int:
        """Columns of `CaseRow` but `id` and `sha256`; of the next two likewise."""
        return self._by_content(connection, CaseRow, values)

    def benchmark(self, connection: Connection, **values: Any) -> int:
        return self._by_content(connection, BenchmarkRow, values)

    def program(self, connection: Connection, **values: Any) -> int:
        return self._by_content(connection, ProgramRow, values)

    def same(self, table: str, key: str) -> int | None:
        """The row that is known by `key`, where this one has met it."""
        return self.known.get((table, key)) or self.pending.get((table, key))

    def copied(self, connection: Connection, table: str, values: Mapping[str, Any]) -> int:
        """Of a row of another database: its columns but for `id`, as they are stored."""
        more = dict(values)
        key: str = more.pop(KNOWN_BY[table])
        return self._id_of(connection, table, key, more)

    def _by_content(
        self, connection: Connection, model: type[Base], values: Mapping[str, Any]
    ) -> int:
        return self._id_of(connection, model.__tablename__, self._digest_of(values), values)

    def _digest_of(self, values: Mapping[str, Any]) -> str:
        try:
            content = _hashable(values)
            found = self.digests.get(content)
        except TypeError:  # lists in it
            return digest_of(values)
        if found is None:
            found = self.digests[content] = digest_of(values)
        return found

    def _id_of(
        self,
        connection: Connection,
        table: str,
        key: str,
        more: Mapping[str, Any],
    ) -> int:
        found = self.same(table, key)
        if found is None:
            into, column = Base.metadata.tables[table], KNOWN_BY[table]
            found = self.pending[table, key] = _found_or_made(connection, into, column, key, more)
        return found


def _hashable(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for what is the same as JSON: 1, 1.0 and True are not."""
    return tuple(
        (name, _hashable(value)) if isinstance(value, dict) else (name, type(value), value)
        for name, value in values.items()
    )


def digest_of(values: Mapping[str, Any]) -> str:
    """sha256 of the values as JSON, whatever the order of their names."""
    return hashlib.sha256(document(values, sort_keys=True).encode()).hexdigest()


def _found_or_made(
    connection: Connection, table: Table, column: str, value: str, more: Mapping[str, Any]
) -> int:
    query = select(table.c.id).where(table.c[column] == value)
    found = connection.scalar(query)
    if found is not None:
        return int(found)
    insert = INSERTS[connection.dialect.name](table)
    made = connection.scalar(
        insert.values({column: value, **more})
        .on_conflict_do_nothing(index_elements=[column])
        .returning(table.c.id)
    )
    return int(made if made is not None else connection.execute(query).scalar_one())
