"""Results as columns: lists of equal length, read in chunks, without an object per row."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Result,
    Select,
    TableClause,
    bindparam,
    select,
)

Columns = dict[str, list[Any]]
"""By name."""

_ROWS = 500
"""Rows that are held at once: few enough to be gone before the garbage collector looks at them."""

_IDS = 5000


def columns_of(result: Result[*tuple[Any, ...]]) -> list[list[Any]]:
    """All rows of a result, transposed."""
    found: list[list[Any]] = [[] for _ in range(len(result.keys()))]
    for rows in result.partitions(_ROWS):
        for into, values in zip(found, zip(*rows, strict=True), strict=True):
            into.extend(values)
    return found


def by_id(
    connection: Connection,
    table: TableClause,
    columns: Sequence[ColumnElement[Any]],
    ids: Collection[int],
) -> list[list[Any]]:
    """These columns of the rows that have these ids (and maybe of others), ordered by id."""
    found: list[list[Any]] = [[] for _ in columns]
    wanted = sorted(ids)
    for start in range(0, len(wanted), _IDS):
        some = wanted[start : start + _IDS]
        # A stretch is told by its ends: a long list takes longer to parse than a few rows to read.
        stretch, listed = _by_id(table, tuple(columns))
        if some[-1] - some[0] < 2 * len(some):
            found_ones = connection.execute(stretch, {"first": some[0], "last": some[-1]})
        else:
            found_ones = connection.execute(listed, {"ids": some})
        rows = columns_of(found_ones)
        for into, values in zip(found, rows, strict=True):
            into.extend(values)
    return found


@lru_cache(maxsize=128)
def _by_id(
    table: TableClause, columns: tuple[ColumnElement[Any], ...]
) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Made once: that takes longer than to read a few rows."""
    query = select(*columns).order_by(table.c.id)
    stretch = table.c.id.between(bindparam("first"), bindparam("last"))
    return query.where(stretch), query.where(told_later(table.c.id, "ids"))


def among(column: ColumnElement[Any], ids: Collection[int]) -> ColumnElement[bool]:
    """Numbers of rows are written into the statement: SQLite takes 32,766 parameters at most."""
    values = bindparam(None, sorted(ids), Integer, expanding=True, literal_execute=True)
    return column.in_(values)


def told_later(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """As `among`, of a statement that is made once: which ones is told under that name."""
    return column.in_(bindparam(name, type_=Integer, expanding=True, literal_execute=True))


def order(values: Sequence[Any], *, descending: bool = False) -> list[int]:
    """Where the values stand once they are sorted: equal ones as they are, None at the end."""
    known = [index for index, value in enumerate(values) if value is not None]
    missing = [index for index, value in enumerate(values) if value is None]
    return sorted(known, key=values.__getitem__, reverse=descending) + missing


def taken(columns: Columns, rows: Sequence[int]) -> Columns:
    """These rows, in this order."""
    return {name: list(map(values.__getitem__, rows)) for name, values in columns.items()}
