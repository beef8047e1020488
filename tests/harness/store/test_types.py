"""What goes into a column comes out of it, bit for bit."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.exc import StatementError

from harness.store.damage import Damaged
from harness.store.packing import pack
from harness.store.types import CompressedText, PackedSamples, PlainText, UtcTime

TABLE = Table(
    "t",
    MetaData(),
    Column("samples", PackedSamples),
    Column("log", CompressedText),
    Column("name", PlainText),
    Column("moment", UtcTime),
)


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


def test_samples_come_back_as_numbers(database: Connection) -> None:
    row = stored(database, samples=pack([0.5, 0.25]))
    assert (row.samples.tolist(), row.samples.dtype) == ([0.5, 0.25], "<f8")


LOGS = st.text() | st.just("the same line\n" * 1000)


@given(LOGS)
def test_a_log_comes_back(database: Connection, log: str) -> None:
    row = stored(database, log=log)
    assert row.log == log.encode(errors="replace").decode()


def test_a_log_takes_less_room_than_its_text(database: Connection) -> None:
    stored(database, log="the same line\n" * 1000)
    raw = database.execute(text("SELECT log FROM t")).scalar_one()
    assert len(raw) < 200


@pytest.mark.parametrize("log", ["text", b"", b"\0", zlib.compress(b"\xff"), b"x" * 100])
def test_what_is_no_log_is_damaged(database: Connection, log: bytes | str) -> None:
    stored(database)
    database.execute(text("UPDATE t SET log = :log"), {"log": log})
    with pytest.raises(Damaged, match="text that cannot be unpacked"):
        database.execute(select(TABLE)).one()


def test_a_log_without_end_is_damaged(database: Connection) -> None:
    stored(database)
    bomb = zlib.compress(b"x" * (17 << 20))
    database.execute(text("UPDATE t SET log = :log"), {"log": bomb})
    with pytest.raises(Damaged, match="without end"):
        database.execute(select(TABLE)).one()


def test_text_is_kept_but_for_what_no_database_holds(database: Connection) -> None:
    assert stored(database, name="é\U0001f525\t").name == "é\U0001f525\t"
    assert stored(database, name="a\0b\udcff").name == "a\ufffdb\\udcff"
    found = database.scalar(select(TABLE.c.name).where(TABLE.c.name == "a\0b\udcff"))
    assert found == "a\ufffdb\\udcff"


def test_nothing_stays_nothing(database: Connection) -> None:
    row = stored(database, samples=None, log=None, name=None, moment=None)
    assert (row.samples, row.log, row.name, row.moment) == (None, None, None, None)


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
