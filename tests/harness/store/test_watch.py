"""Whether a database is still as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from harness.errors import NoResults
from harness.store.database import open_for_reading
from harness.store.watch import Watch, file_of, watch
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A


@contextmanager
def watched(url: str) -> Iterator[tuple[Engine, Watch]]:
    engine = open_for_reading(url)
    watching = watch(engine, url)
    yield engine, watching
    watching.close()
    engine.dispose()


def token(engine: Engine, watching: Watch) -> str:
    with engine.connect() as connection:
        return watching.token(connection)


def execute(statement: str, connection: Connection, _: object) -> None:
    connection.execute(text(statement))


def test_a_token_is_another_one_after_each_change_alone(either_url: str) -> None:
    with Store(either_url) as store, watched(either_url) as (engine, watching):
        seen = [token(engine, watching)]
        assert token(engine, watching) == seen[0]
        for statement in ("UPDATE runs SET suite = 'x'", "DELETE FROM runs"):
            add_run(store, {A: [1.0]})
            seen.append(token(engine, watching))
            store.within(partial(execute, statement))
            seen.append(token(engine, watching))
        assert len(set(seen)) == len(seen)


def test_what_is_read_is_as_new_as_its_token(either_url: str) -> None:
    with Store(either_url) as store, watched(either_url) as (engine, watching):
        add_run(store, {A: [1.0]})
        with engine.connect() as connection:
            first = watching.token(connection)
            add_run(store, {A: [1.0]})
            count = connection.scalar(text("SELECT count(*) FROM runs"))
        assert count in (1, 2)
        assert token(engine, watching) != first


def test_a_file_is_known_by_more_than_its_name(url: str, tmp_path: Path) -> None:
    Store(url).close()
    path = Path(url.removeprefix("sqlite:///"))
    first = file_of(url)
    assert first == file_of(url) is not None
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    other.replace(path)
    assert file_of(url) != first
    path.unlink()
    with pytest.raises(NoResults):
        file_of(url)


def test_a_server_is_no_file() -> None:
    assert file_of("postgresql://somewhere/results") is None


def test_a_file_that_this_user_may_not_write_is_watched_from_without(url: str) -> None:
    Store(url).close()
    path = Path(url.removeprefix("sqlite:///"))
    engine = create_engine(url, poolclass=NullPool)  # as of such a file
    watching = watch(engine, url)
    first = token(engine, watching)
    assert token(engine, watching) == first
    assert watching.token_at_once() is None
    with path.open("ab") as file:
        file.write(b"more")
    assert token(engine, watching) != first
    path.with_name(f"{path.name}-wal").touch()  # somebody has it open to write
    assert token(engine, watching) != token(engine, watching)


def test_once_it_is_closed_it_tells_nothing_at_once(url: str) -> None:
    with Store(url), watched(url) as (engine, watching):
        assert watching.token_at_once() is not None
        watching.close()
        engine.dispose()
        assert watching.token_at_once() is None
