"""A database in which every column of every table holds something, and what a database says."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Connection, Float, Integer, Uuid, insert, text

from harness.store.copying import Source
from harness.store.database import open_for_reading
from harness.store.models import Base, CommitRow
from harness.store.packing import pack
from harness.store.shared import KNOWN_BY
from harness.store.types import CompressedText, PackedSamples, UtcTime
from harness.store.writer import Store

TABLES = [table for table in Base.metadata.sorted_tables if table.name != CommitRow.__tablename__]
_MODELS: dict[str, type[Base]] = {
    mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers
}
_WORDS = {"status": "interrupted", "verdict": "unclear", "unit": "s", "state": "ignored"}

Said = dict[str, set[str]]


def fill(store: Store) -> None:
    """Two rows in each table, the second without what may be nothing."""
    store.within(lambda connection, _: _fill(connection))


def _fill(connection: Connection) -> None:
    ids: dict[str, list[int]] = {}
    numbers = count(1)
    for table in TABLES:
        for full in (True, False):
            if table.name == "machine_links" and not full:
                continue  # both would be a circle
            row: dict[str, Any] = {}
            for column in table.columns:
                if column.name == "id" or (
                    column.nullable and not full and not column.foreign_keys
                ):
                    continue
                row[column.name] = _value(column, ids, next(numbers), full)
            made = connection.execute(insert(table).values(row)).inserted_primary_key
            assert made is not None
            ids.setdefault(table.name, []).append(made[0])
    # Which know their first runs by name.
    connection.execute(text("UPDATE regressions SET run = (SELECT min(name) FROM runs)"))


def _value(column: Column[Any], ids: dict[str, list[int]], number: int, full: bool) -> Any:
    for key in column.foreign_keys:
        first, last = ids[key.column.table.name]
        # Two runs of a pairing are two, and so are two machines.
        return last if full == (column.name in ("candidate_run_id", "same_as_id")) else first
    kind, name = column.type, f"{column.table.name}.{column.name} {number} é"
    if column.name in _WORDS:
        return _WORDS[column.name]
    if isinstance(kind, PackedSamples):
        return pack([number / 3, 0.1, 5e-324])
    if isinstance(kind, UtcTime):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number, microseconds=number)
    if isinstance(kind, Uuid):
        return UUID(int=number)
    if isinstance(kind, JSON):
        return {name: [number, number / 3, None, True, {"deep": "\u2028"}]}
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, Float):
        return number / 3
    if isinstance(kind, CompressedText):
        return name
    return bool(number % 2) if kind.python_type is bool else name


def said(url: str) -> Said:
    """Every row of every table as text: all columns, with what they refer to instead of ids."""
    engine = open_for_reading(url)
    try:
        with engine.connect() as connection:
            source = Source(connection, url)
            rows = {
                table.name: [row._asdict() for row in source.rows(_MODELS[table.name])]
                for table in TABLES
            }
    finally:
        engine.dispose()
    by_id = {name: {row["id"]: row for row in found if "id" in row} for name, found in rows.items()}

    def known_as(name: str, key: int | None) -> Any:
        if key is None:
            return None
        row = by_id[name][key]
        if name in KNOWN_BY:
            return row[KNOWN_BY[name]]
        if name == "launches":
            return (known_as("runs", row["run_id"]), row["index"], row["part"])
        return row["uuid"]

    def told(table: Any, row: dict[str, Any]) -> Iterable[tuple[str, Any]]:
        for column in table.columns:
            targets = [key.column.table.name for key in column.foreign_keys]
            if column.name != "id":
                value = row[column.name]
                yield column.name, known_as(targets[0], value) if targets else value

    return {
        table.name: {repr(sorted(told(table, row))) for row in rows[table.name]} for table in TABLES
    }


def sizes(url: str) -> dict[str, int]:
    return {name: len(rows) for name, rows in said(url).items()}
