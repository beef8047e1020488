"""What goes into a column comes out of it, bit for bit."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.exc import StatementError

from harness.store.types import PackedFloats, UtcTime

TABLE = Table("t", MetaData(), Column("floats", PackedFloats), Column("moment", UtcTime))


@pytest.fixture(scope="module")
def database() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    TABLE.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def stored(database: Connection, **values: Any) -> Any:
    """The row as read back."""
    database.execute(TABLE.delete())
    database.execute(insert(TABLE).values(**values))
    return database.execute(select(TABLE)).one()


SUBNORMAL = 5e-324


@given(st.lists(st.floats(width=64)) | st.just([SUBNORMAL, 2.225e-308, -0.0, float("inf")]))
def test_floats_keep_every_bit(database: Connection, values: list[float]) -> None:
    row = stored(database, floats=values)
    raw = database.execute(text("SELECT floats FROM t")).scalar_one()
    assert raw == struct.pack(f"<{len(values)}d", *values)
    assert row.floats.dtype == "<f8"
    assert struct.pack(f"<{len(values)}d", *row.floats) == raw


def test_what_is_read_cannot_be_changed_by_mistake(database: Connection) -> None:
    row = stored(database, floats=[1.0])
    with pytest.raises(ValueError, match="read-only"):
        row.floats[0] = 2.0


def test_nothing_stays_nothing(database: Connection) -> None:
    row = stored(database, floats=None, moment=None)
    assert (row.floats, row.moment) == (None, None)


def test_a_moment_comes_back_in_utc(database: Connection) -> None:
    moment = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    row = stored(database, moment=moment)
    assert row.moment == moment
    assert row.moment.tzinfo is UTC
    raw = database.execute(text("SELECT moment FROM t")).scalar_one()
    assert raw == "2026-02-28 23:30:00.123456"
    bound = UtcTime().process_bind_param(moment, database.dialect)
    assert bound == datetime(2026, 2, 28, 23, 30, 0, 123456)  # other databases would shift it


def test_a_moment_without_a_zone_is_refused(database: Connection) -> None:
    with pytest.raises(StatementError, match="without a zone"):
        stored(database, moment=datetime(2026, 3, 1))
