"""What was written is there once, whatever became of the connection meanwhile."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
    update,
)

from harness.errors import DatabaseFailure, Interrupted
from harness.runner.interrupt import interruptible
from harness.store.models import CommitRow
from harness.store.postgresql import writing_engine
from harness.store.retry import Transactions
from harness.store.url import parse
from tests.harness.store.proxy import Loss, Proxy
from tests.postgresql import USER, Server

NOTES = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("word", String, unique=True),
)
MOST_S = 60.0


def note(word: str) -> Callable[[Connection], int]:
    """Work that writes the word and returns its id."""

    def work(connection: Connection) -> int:
        row = connection.execute(insert(NOTES).values(word=word).returning(NOTES.c.id)).one()
        return int(row.id)

    return work


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    """Of a database with notes and commits."""
    made = writing_engine(parse(postgresql_url))
    with made.begin() as connection:
        NOTES.create(connection)
        CommitRow.metadata.tables["commits"].create(connection)
    yield made
    made.dispose()


def notes(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {row.word: row.id for row in connection.execute(select(NOTES))}


@pytest.mark.parametrize("loss", Loss)
def test_where_the_answer_to_a_commit_is_lost_it_is_written_once(
    engine: Engine, postgresql: Server, loss: Loss
) -> None:
    with engine.begin() as connection:  # so that the database would take it twice
        connection.execute(text("ALTER TABLE notes DROP CONSTRAINT notes_word_key"))
    heard: list[str] = []
    with Proxy(postgresql.folder / f".s.PGSQL.{postgresql.port}") as proxy:
        url = f"postgresql+psycopg://{USER}@127.0.0.1:{proxy.port}/{engine.url.database}"
        through = writing_engine(parse(url))
        transactions = Transactions(through, url, heard.append)
        first = transactions.run(note("first"))
        proxy.loss = loss
        second = transactions.run(note("second"))
        assert proxy.lost.wait(MOST_S)
        third = transactions.run(note("third"))
        through.dispose()
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(select(NOTES).order_by(NOTES.c.id))]
    assert rows == [(first, "first"), (second, "second"), (third, "third")]
    assert len(heard) == 1
    assert "waiting for it, 120 s at most" in heard[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_may_restart_while_a_loop_writes(
    engine: Engine, postgresql: Server, postgresql_url: str, how: signal.Signals
) -> None:
    heard: list[str] = []
    acknowledged: dict[str, int] = {}
    ends: list[bool] = []

    def write() -> None:
        transactions = Transactions(engine, postgresql_url, heard.append)
        for index in count():
            acknowledged[str(index)] = transactions.run(note(str(index)))
            if ends:
                return

    def wait_for_more() -> None:
        before, end = len(acknowledged), time.monotonic() + MOST_S
        while len(acknowledged) < before + 20:
            assert time.monotonic() < end, heard
            assert not writer.done(), writer.result()
            time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            for _ in range(2):
                wait_for_more()
                postgresql.restart(how)
            wait_for_more()
        finally:
            ends.append(True)
        writer.result(MOST_S)
    assert notes(engine) == acknowledged
    assert len(heard) == 2


def test_a_server_that_stays_away_is_given_up(
    engine: Engine, postgresql: Server, postgresql_url: str
) -> None:
    heard: list[str] = []
    transactions = Transactions(engine, postgresql_url, heard.append, patience_s=0.3)
    transactions.run(note("before"))
    postgresql.stop()
    try:
        with pytest.raises(DatabaseFailure, match="that the server runs") as given_up:
            transactions.run(note("lost"))
    finally:
        postgresql.start()
    assert given_up.value.exit_code == 6
    assert len(heard) == 1
    assert list(notes(engine)) == ["before"]


def test_a_server_that_was_given_up_is_asked_once_until_it_answers(
    engine: Engine, postgresql: Server, postgresql_url: str
) -> None:
    heard: list[str] = []
    transactions = Transactions(engine, postgresql_url, heard.append, patience_s=1.5)
    postgresql.stop()
    try:
        took_s = []
        for _ in range(3):
            since = time.monotonic()
            with pytest.raises(DatabaseFailure, match="that the server runs"):
                transactions.run(note("lost"))
            took_s.append(time.monotonic() - since)
    finally:
        postgresql.start()
    assert took_s[0] > 1.5 > 2 * (took_s[1] + took_s[2])
    assert len(heard) == 1
    transactions.run(note("after"))
    postgresql.restart()
    transactions.run(note("waited for again"))
    assert list(notes(engine)) == ["after", "waited for again"]


def run_to_its_end(transactions: Transactions, work: Callable[[Connection], object]) -> None:
    """The work, and a clean-up that writes as well."""
    with interruptible():
        try:
            transactions.run(work)
        finally:
            transactions.run(note("end"))


def interrupt_once(ready: Callable[[], bool]) -> threading.Thread:
    """Ctrl-C for this process."""

    def wait_and_send() -> None:
        end = time.monotonic() + MOST_S
        while not ready() and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait_and_send)
    thread.start()
    return thread


def test_a_signal_ends_the_waiting_and_is_no_failure_of_the_database(
    engine: Engine, postgresql: Server, postgresql_url: str
) -> None:
    heard: list[str] = []
    transactions = Transactions(engine, postgresql_url, heard.append)
    postgresql.stop()
    try:
        since = time.monotonic()
        thread = interrupt_once(lambda: bool(heard))
        with pytest.raises(Interrupted, match=r"stopped by SIGINT.*not how it ended"):
            run_to_its_end(transactions, note("word"))
        thread.join()
        assert time.monotonic() - since < 30
    finally:
        postgresql.start()
    assert list(notes(engine)) == []


def test_a_signal_ends_a_write_that_waits_for_a_lock(engine: Engine, postgresql_url: str) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    transactions = Transactions(engine, postgresql_url, pytest.fail)
    transactions.run(note("word"))
    change = update(NOTES).values(word="changed")
    with engine.begin() as other, engine.connect() as observer:
        other.execute(change)

        def is_blocked() -> bool:
            return bool(observer.scalar(waiting))

        thread = interrupt_once(is_blocked)
        with pytest.raises(Interrupted, match=r"stopped by SIGINT; what was measured is kept$"):
            run_to_its_end(transactions, lambda connection: connection.execute(change))
        thread.join()
        other.rollback()
        observer.rollback()
        assert not is_blocked()
    assert list(notes(engine)) == ["word", "end"]


def test_a_signal_in_the_middle_of_a_statement_is_no_lost_server(
    engine: Engine, postgresql_url: str
) -> None:
    transactions = Transactions(engine, postgresql_url, pytest.fail)

    def work(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.pgconn.send_query(b"SELECT pg_sleep(60)")  # and nobody fetches the answer
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transactions.run(work)
    transactions.run(note("after"))
    assert list(notes(engine)) == ["after"]


@pytest.fixture
def repeatable(engine: Engine) -> Engine:
    """The same, in an isolation that refuses to change what somebody else changed meanwhile."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


@pytest.mark.parametrize(("collisions", "attempts"), [(2, 3), (99, 6)])
def test_a_collision_is_tried_again_a_few_times(
    engine: Engine, repeatable: Engine, postgresql_url: str, collisions: int, attempts: int
) -> None:
    transactions = Transactions(repeatable, postgresql_url, pytest.fail)
    transactions.run(note("word"))
    calls = count(1)
    made = 0

    def collide(connection: Connection) -> int:
        nonlocal made
        made = next(calls)
        connection.execute(select(NOTES))
        if made <= collisions:
            with engine.begin() as other:
                other.execute(update(NOTES).values(word=f"other {made}"))
        connection.execute(update(NOTES).values(word="mine"))
        return made

    if attempts > collisions:
        assert transactions.run(collide) == attempts
        assert list(notes(engine)) == ["mine"]
    else:
        with pytest.raises(DatabaseFailure, match="others wrote at the same time"):
            transactions.run(collide)
        assert list(notes(engine)) == [f"other {attempts}"]
    assert made == attempts


def test_what_the_database_refuses_is_not_tried_again(engine: Engine, postgresql_url: str) -> None:
    transactions = Transactions(engine, postgresql_url, pytest.fail)
    transactions.run(note("word"))
    calls = count()

    def work(connection: Connection) -> None:
        next(calls)
        note("new")(connection)
        note("word")(connection)

    with pytest.raises(DatabaseFailure, match=r"unique constraint.*Key \(word\)=\(word\)"):
        transactions.run(work)
    assert next(calls) == 1
    assert list(notes(engine)) == ["word"]


def test_numbers_are_forgotten_after_a_day(engine: Engine, postgresql_url: str) -> None:
    with engine.begin() as connection:
        for name, age in (("old", "25 hours"), ("new", "23 hours")):
            connection.execute(
                text(f"INSERT INTO commits VALUES ('{name}', now() - INTERVAL '{age}')")  # noqa: S608
            )
    Transactions(engine, postgresql_url, pytest.fail)
    with engine.connect() as connection:
        assert connection.scalars(select(CommitRow.id)).all() == ["new"]


def test_where_numbers_cannot_be_forgotten_no_connection_is_left(
    engine: Engine, postgresql_url: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE commits"))
    pool = engine.pool
    with pytest.raises(DatabaseFailure, match="commits"):
        Transactions(engine, postgresql_url, pytest.fail)
    assert pool.status().startswith("Pool size: 5  Connections in pool: 0")


def test_sqlite_needs_no_numbers(url: str) -> None:
    engine = create_engine(url)
    NOTES.create(engine)
    transactions = Transactions(engine, url, pytest.fail)
    assert transactions.run(note("word")) == 1

    def fail(connection: Connection) -> None:
        note("new")(connection)
        raise KeyError

    with pytest.raises(KeyError):
        transactions.run(fail)
    with pytest.raises(DatabaseFailure, match="UNIQUE constraint failed"):
        transactions.run(note("word"))
    assert notes(engine) == {"word": 1}
    engine.dispose()


def test_sqlite_keeps_its_connection_until_an_error_and_gives_it_back(url: str) -> None:
    taken: list[object] = []
    engine = create_engine(url)
    NOTES.create(engine)
    event.listen(engine, "checkout", lambda *told: taken.append(told))
    transactions = Transactions(engine, url, pytest.fail)
    for word in ("a", "b"):
        transactions.run(note(word))
    assert len(taken) == 1
    with pytest.raises(DatabaseFailure, match="UNIQUE constraint failed"):
        transactions.run(note("a"))
    transactions.run(note("c"))
    assert len(taken) == 2
    pool = engine.pool
    transactions.close()
    assert pool.status().endswith("Current Checked out connections: 0")
    assert list(notes(engine)) == ["a", "b", "c"]
    engine.dispose()
