"""Words that migrations share for moving rows: as few in memory at once as it takes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

CHUNK = 2000


class Shared:
    """Rows of a table that is known by the content of its rows, made as they are asked for."""

    def __init__(self, name: str, *columns: str, **typed: Any) -> None:
        self._table = table_of(name, "sha256", *columns, **typed)
        self._known: dict[str, int] = {}

    def id_of(self, values: Mapping[str, Any], of: Any = None) -> int:
        """`of`: where the digest is of something else than the values."""
        text = json.dumps(values if of is None else of, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest not in self._known:
            bind, table = op.get_bind(), self._table
            query = sa.select(table.c.id).where(table.c.sha256 == digest)
            if bind.scalar(query) is None:
                bind.execute(table.insert().values(sha256=digest, **values))
            self._known[digest] = bind.execute(query).scalar_one()
        return self._known[digest]


def table_of(name: str, *columns: str, **typed: Any) -> sa.TableClause:
    return sa.table(
        name,
        sa.column("id", sa.Integer()),
        *map(sa.column, columns),
        *(sa.column(column, type_) for column, type_ in typed.items()),
    )


def change(table: sa.TableClause, key: int, **values: Any) -> None:
    op.get_bind().execute(table.update().where(table.c.id == key).values(**values))


def in_chunks(table: sa.TableClause, *columns: Any) -> Iterator[sa.Row[Any]]:
    """All rows in the order of their keys, or only these columns beside them: a log is 64 KiB."""
    last = -1
    query = sa.select(table.c.id, *columns) if columns else sa.select(table)
    while True:
        part = query.where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        rows = op.get_bind().execute(part).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id
