"""A database that is read again and again, and may change, go or come back meanwhile."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, event

from harness.errors import DatabaseFailure
from harness.runner.abandoned import is_abandoned
from harness.store.database import check_schema, database_errors, open_for_reading
from harness.store.places import Place
from harness.store.reader import Reader, Run
from harness.store.url import parse, shown
from harness.store.watch import Watch, file_of, watch
from harness.web.known import Known, read_known

PATIENCE_S = 10
"""For a database that another process holds, and of a server for a statement: people reload
sooner."""

_CACHED_KIB = 16_384
"""Of an SQLite file, by each connection: eight times as much as it would of itself, for a fifth of
the time that a page of many lines takes."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A connection that reads, for as long as one answer takes. `version`: of what it reads; never
    the same before and after a change. `gone`: as of `Known`."""

    connection: Connection
    reader: Reader
    known: Known
    gone: frozenset[str]
    version: str

    def runs(self, ids: Collection[int]) -> Mapping[int, Run]:
        """By their rows; those of them that there are."""
        found = self.known.runs.at(self.connection, ids)
        if not self.gone:
            return found
        return {key: self._as_it_is(run) for key, run in found.items()}

    def runs_there(self, place: Place) -> Sequence[int]:
        """Rows of all runs of a place, in the order in which they began."""
        return self.known.runs.there(self.connection, place, self.known.names)

    def _as_it_is(self, run: Run) -> Run:
        return replace(run, status="interrupted") if run.run in self.gone else run


class Source:
    """Raises `DatabaseFailure`, here and whenever it is read; the next reading tries anew."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = Lock()
        self._opened: _Opened | None = _open(url)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        opened = self._as_it_is()
        try:
            with database_errors(self.url), opened.engine.connect() as connection:
                yield opened.reading(connection)
        except DatabaseFailure:
            self._leave(opened)
            raise

    def version(self) -> str:
        """As of a `Reading` that begins now."""
        with self.reading() as reading:
            return reading.version

    def version_at_once(self) -> str | None:
        """Likewise; None where it would take a while, or fail."""
        opened = self._opened
        if opened is None:
            return None
        try:
            same = opened.file == file_of(self.url)
        except DatabaseFailure:
            return None
        return opened.version_at_once() if same else None

    def close(self) -> None:
        if self._opened is not None:
            self._leave(self._opened)

    def without_place(self, told: str) -> str:
        """A message for whoever asks from elsewhere: where the database lies is not theirs to
        know."""
        path = str(parse(self.url).database)
        return told.replace(shown(self.url), "the database").replace(path, "the database")

    def _as_it_is(self) -> "_Opened":
        """Opened anew where the file is another one."""
        with self._lock:
            if self._opened is not None and self._opened.file != file_of(self.url):
                self._opened.close()
                self._opened = None
            if self._opened is None:
                self._opened = _open(self.url)
            return self._opened

    def _leave(self, opened: "_Opened") -> None:
        """Whoever reads with it still may end that."""
        with self._lock:
            if self._opened is opened:
                self._opened = None
        opened.close()


class _Opened:
    """`file`: which one it was when it was opened."""

    def __init__(
        self, url: str, engine: Engine, watched: Watch, file: tuple[int, int] | None
    ) -> None:
        self.engine, self.file = engine, file
        self._url, self._watch = url, watched
        self._epoch = token_hex(4)  # tokens are of this opening alone
        self._reader = Reader.over(engine, url, is_abandoned)
        self._lock = Lock()
        self._known: tuple[str, Known] | None = None

    def reading(self, connection: Connection) -> Reading:
        token = self._watch.token(connection)
        known = self._known_at(token, connection)
        gone = known.gone()
        return Reading(
            connection=connection,
            reader=self._reader,
            known=known,
            gone=gone,
            version=self._version(token, gone),
        )

    def version_at_once(self) -> str | None:
        token, known = self._watch.token_at_once(), self._known
        if token is None or known is None or known[0] != token:
            return None
        return self._version(token, known[1].gone())

    def _version(self, token: str, gone: Collection[str]) -> str:
        return ".".join((self._epoch, token, *sorted(gone)))

    def close(self) -> None:
        self._watch.close()
        self.engine.dispose()

    def _known_at(self, token: str, connection: Connection) -> Known:
        """Read once of each version, which may as well have another schema."""
        with self._lock:
            if self._known is None or self._known[0] != token:
                check_schema(connection, self._url)
                self._known = token, read_known(connection, self._reader)
            return self._known[1]


def _open(url: str) -> _Opened:
    file = file_of(url)
    engine = open_for_reading(url)
    engine.dispose()  # what is open already would be as patient as it was
    event.listen(engine, "connect", _prepare)
    with database_errors(url):
        return _Opened(url, engine, watch(engine, url), file)


def _prepare(connection: Any, _record: object) -> None:
    driver = type(connection).__module__
    milliseconds = PATIENCE_S * 1000
    if driver.startswith("sqlite3"):
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        connection.execute(f"PRAGMA cache_size = -{_CACHED_KIB}")
        return
    connection.execute(f"SET statement_timeout = {milliseconds}")
    connection.execute(f"SET lock_timeout = {milliseconds}")
    connection.commit()
