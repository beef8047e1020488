"""Transactions that outlast a server's restart: nothing is lost, and nothing written twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from harness.store import postgresql
from harness.store.database import closed_on_error, database_errors
from harness.store.url import shown, without_password

Result = TypeVar("Result")
Work = Callable[[Connection], Result]

PATIENCE_S = 120.0
"""How long a server may be away."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_MOST_COLLISIONS = 5

_NUMBER = text(
    "INSERT INTO commits (id, committed_at) VALUES (:id, timezone('UTC', now()))"
    " ON CONFLICT DO NOTHING RETURNING id"
)
# By the server's clock, which also wrote the times.
_FORGET = text("DELETE FROM commits WHERE committed_at < timezone('UTC', now()) - INTERVAL '1 day'")


class Transactions:
    """Runs each piece of work in a transaction of its own; on PostgreSQL again after a lost
    connection, for `patience_s` at most, and `say` hears of it. Raises `DatabaseFailure`.

    Work may be called more than once, and is committed once. Where a server was waited for in vain,
    also until somebody interrupted that, what comes next tries once: a clean-up has many steps.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        say: Callable[[str], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._engine, self._url, self._say = engine, url, say
        self._patience_s = patience_s
        self._away = False
        """Whether the server was, when it was last asked."""
        self._kept: Connection | None = None
        """SQLite's: to check one out for each measurement is a quarter of the time of a write."""
        self._numbered = engine.dialect.name == "postgresql"
        if self._numbered:
            with database_errors(url), closed_on_error(engine), engine.begin() as connection:
                connection.execute(_FORGET)

    def run(self, work: Work[Result]) -> Result:
        """What `work` returned, as committed. It is handed a connection in a transaction."""
        with database_errors(self._url):
            if self._numbered:
                return self._run_until_kept(_Numbered(work))
            with self._connection() as connection, connection.begin():
                return work(connection)

    def close(self) -> None:
        """Ends the engine's connections; work that comes all the same opens another."""
        self._give_back()
        self._engine.dispose()

    def _give_back(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """The one that is kept, and after an error another one."""
        if self._kept is None:
            self._kept = self._engine.connect()
        try:
            yield self._kept
        except BaseException:
            self._give_back()
            raise

    def _run_until_kept(self, numbered: "_Numbered[Result]") -> Result:
        wait = _Wait(0.0 if self._away else self._patience_s)
        while True:
            try:
                result = numbered.attempt(self._engine)
            except DBAPIError as error:
                before, self._away = self._away, postgresql.is_lost(error)
                if self._away:
                    if not before:
                        self._say(self._waiting(error))
                    self._engine.dispose()
                    wait.pause_or_raise(error)
                elif not (postgresql.is_collision(error) and wait.has_another()):
                    raise
            else:
                self._away = False
                return result

    def _waiting(self, error: DBAPIError) -> str:
        problem = without_password(postgresql.problem(error), self._url)
        return f"{shown(self._url)}: {problem}; waiting for it, {self._patience_s:.0f} s at most"


class _Numbered(Generic[Result]):
    """Work under one number, however many attempts it takes.

    Where the answer to a COMMIT is lost, nobody here knows whether it was carried out. The number
    tells: it is the first thing that every attempt inserts. Where it stands already, the attempt
    before was committed; where that one is still at it in the server, the insertion waits for its
    end. An attempt that inserts the number knows that no other was committed.
    """

    def __init__(self, work: Work[Result]) -> None:
        self._work = work
        self._number = str(uuid4())
        self._results: list[Result] = []

    def attempt(self, engine: Engine) -> Result:
        with engine.connect() as connection, _dropped_if_interrupted(connection):
            if connection.scalar(_NUMBER, {"id": self._number}) is not None:
                self._results.append(self._work(connection))
            connection.commit()
        return self._results[-1]


@contextmanager
def _dropped_if_interrupted(connection: Connection) -> Iterator[None]:
    """In the middle of a statement a connection cannot roll back: the failure to do so would look
    like a lost server, and take the signal's place."""
    try:
        yield
    except KeyboardInterrupt:
        connection.invalidate()
        raise


class _Wait:
    """Pauses that grow, and an end to them."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._pause_s = _FIRST_PAUSE_S
        self._end: float | None = None
        self._collisions = 0

    def pause_or_raise(self, error: DBAPIError) -> None:
        now = time.monotonic()
        if self._end is None:
            self._end = now + self._patience_s
        if now >= self._end:
            raise error
        time.sleep(min(self._pause_s, self._end - now))
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def has_another(self) -> bool:
        """Whether a collision may be followed by another attempt."""
        self._collisions += 1
        return self._collisions <= _MOST_COLLISIONS
