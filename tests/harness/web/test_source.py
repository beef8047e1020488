"""A database that is read again and again, and changes meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from harness.errors import DatabaseFailure, NoResults
from harness.store.writer import Store
from harness.web.source import Source
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A
from tests.postgresql import Server


@contextmanager
def source_of(url: str) -> Iterator[Source]:
    source = Source(url)
    yield source
    source.close()


def test_a_version_is_the_same_until_something_is_committed(either_url: str) -> None:
    with Store(either_url) as store, source_of(either_url) as source:
        first = source.version()
        assert source.version() == first
        add_run(store, {A: [1.0]})
        second = source.version()
        assert second != first
        store.within(lambda connection, _: connection.execute(text("UPDATE runs SET suite = 'x'")))
        assert source.version() not in (first, second)


def test_what_was_rolled_back_changes_nothing_in_sqlite(url: str) -> None:
    with Store(url) as store, source_of(url) as source:
        first = source.version()
        with store._engine.connect() as connection:
            connection.execute(text("DELETE FROM runs"))
            connection.rollback()
        assert source.version() == first


def test_at_once_it_is_the_same_or_unknown(either_url: str) -> None:
    with Store(either_url) as store, source_of(either_url) as source:
        version = source.version()
        assert source.version_at_once() in (version, None)
        add_run(store, {A: [1.0]})
        assert source.version_at_once() is None  # what it is has to be read first
        assert source.version() != version


def test_sqlite_tells_it_at_once(url: str) -> None:
    with Store(url), source_of(url) as source:
        assert source.version_at_once() is None
        version = source.version()
        assert source.version_at_once() == version


def test_another_opening_has_other_versions(either_url: str) -> None:
    with Store(either_url), source_of(either_url) as one, source_of(either_url) as other:
        assert one.version() != other.version()


def test_a_run_that_is_gone_makes_another_version(url: str) -> None:
    with Store(url) as store, source_of(url) as source:
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        _, name = begin_run(store, owner="nobody/knows/1/1", deadline_at=soon)
        with source.reading() as reading:
            assert reading.gone == frozenset()
        while datetime.now(UTC) < soon:
            pass
        with source.reading() as reading:
            assert reading.gone == {name}
            (run,) = reading.runs([1]).values()
            assert run.status == "interrupted"


def test_no_statement_writes(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
    with source_of(either_url) as source:
        for statement in ("DELETE FROM runs", "CREATE TABLE mine (id INTEGER)"):
            with (
                source.reading() as reading,
                pytest.raises(DBAPIError, match=r"readonly|read-only"),
            ):
                reading.connection.execute(text(statement))
        with source.reading() as reading:
            assert reading.connection.scalar(text("SELECT count(*) FROM runs")) == 1


def test_names_are_read_once_a_version(url: str) -> None:
    with Store(url) as store, source_of(url) as source:
        add_run(store, {A: [1.0]})
        with source.reading() as one, source.reading() as other:
            assert one.known is other.known
        add_run(store, {A: [1.0]})
        with source.reading() as reading:
            assert reading.known is not one.known


def test_where_there_is_none_it_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(NoResults):
        Source(f"sqlite:///{tmp_path}/none.db")


def test_a_server_that_stops_is_read_again_once_it_is_back(
    postgresql: Server, postgresql_url: str
) -> None:
    with Store(postgresql_url) as store:
        add_run(store, {A: [1.0]})
    with source_of(postgresql_url) as source:
        version = source.version()
        postgresql.stop()
        with pytest.raises(DatabaseFailure):
            source.version()
        postgresql.start()
        assert source.version() != version


def test_messages_do_not_tell_where_it_lies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/results.db"
    with Store(url), source_of(url) as source:
        Path(f"{tmp_path}/results.db").unlink()
        with pytest.raises(NoResults) as caught:
            source.version()
        assert str(tmp_path) in str(caught.value)
        assert str(tmp_path) not in source.without_place(str(caught.value))
