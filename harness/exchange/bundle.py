"""A bundle: runs in one file that another database takes in without loss.

It is an SQLite database of the same schema. Two numbers in the file's header, which SQLite leaves
to its users (https://www.sqlite.org/fileformat2.html, 1.3), tell it from others: the application's
id, and as the user's version a checksum over everything else.
"""

import os
import re
import secrets
import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from harness.errors import DatabaseFailure, UsageError
from harness.store import sqlite
from harness.store.database import SCHEMA_VERSION, back_up
from harness.store.merge import Merged, merge
from harness.store.reader import IsAbandoned
from harness.store.url import parse, sqlite_url
from harness.store.writer import Store

SUFFIX = ".jaxrig"

_DAMAGED = ("malformed", "not a database")
_VERSION = re.compile(r"\d{4}")

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_CHECKSUM_AT = 60
_APPLICATION_AT = 68
_APPLICATION = int.from_bytes(b"jrig", "big")
_NUMBER = struct.Struct(">I")
_CHUNK_BYTES = 1 << 20


def write(
    url: str,
    path: Path,
    runs: Collection[str] | None,
    say: Callable[[str], None],
    is_abandoned: IsAbandoned | None = None,
) -> Merged:
    """Puts the runs of these names (None: all) into a new bundle at `path`, which is there at once
    or not at all; one that was there is replaced. `is_abandoned`: as of `merge`. Raises `OSError`,
    and `DatabaseFailure`, also where some of it cannot be read."""
    with replacing(path) as unfinished:
        with Store(sqlite_url(unfinished)) as store:
            merged = merge(url, store, runs=runs, say=say, is_abandoned=is_abandoned)
        if merged.unreadable:
            raise DatabaseFailure(
                f"damaged: {', '.join(merged.unreadable)}; choose other runs, or take what can be "
                "read into a new database by `jaxrig merge`"
            )
        _close_off(unfinished)
        _seal(unfinished)
    return merged


def is_database(path: Path) -> bool:
    """Whether the file holds a database: a bundle, or the results themselves. Raises `OSError`."""
    return path.suffix == SUFFIX or (path.is_file() and _header(path).startswith(_MAGIC))


def take_in(
    path: Path,
    store: Store,
    say: Callable[[str], None],
    is_abandoned: IsAbandoned | None = None,
) -> Merged:
    """Everything in a bundle, or in another result database of SQLite; an older schema is upgraded
    in a copy. `is_abandoned`: as of `merge`.

    Raises `UsageError` for a damaged one, before anything is taken from it, and for a newer schema;
    `SourceFailure` for what cannot be read of it, and `DatabaseFailure`.
    """
    check(path)
    version = _version(path)
    if version is None or not _VERSION.fullmatch(version) or version == SCHEMA_VERSION:
        return merge(sqlite_url(path), store, say=say, is_abandoned=is_abandoned)
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"cannot import {path}: its schema {version} is newer than this jaxrig's "
            f"{SCHEMA_VERSION}; upgrade jaxrig"
        )
    with tempfile.TemporaryDirectory(prefix="jaxrig-") as folder:
        copy = Path(folder) / "upgraded.db"
        _upgrade_copy(path, copy)
        return merge(sqlite_url(copy), store, say=say, is_abandoned=is_abandoned)


def check(path: Path) -> None:
    """Raises `UsageError` for a file that is not as it was written."""
    if not path.is_file():
        what = "not a regular file" if path.exists() else "no such file"
        raise UsageError(f"cannot import {path}: {what}")
    try:
        header = _header(path)
        intact = _number(header, _CHECKSUM_AT) == _checksum(path) if _is_sealed(header) else None
    except OSError as error:
        raise UsageError(f"cannot import {path}: {error.strerror}") from error
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise UsageError(f"cannot import {path}: not a bundle, or cut short; copy it again")
    if intact is None and path.suffix == SUFFIX:
        raise UsageError(f"cannot import {path}: not a bundle of `jaxrig export`, or altered")
    if intact is None:
        _check_integrity(path)
    elif not intact:
        raise UsageError(
            f"cannot import {path}: it is cut short or was altered; copy it again from where "
            "`jaxrig export` wrote it"
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to. The file takes its place at the end, or is removed."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        for each in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + each).unlink(missing_ok=True)


def _close_off(path: Path) -> None:
    """Leaves one file, as small as it can be, that is read without making others beside it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute("VACUUM")


def _seal(path: Path) -> None:
    checksum = _checksum(path)
    with path.open("rb+") as file:
        file.seek(_CHECKSUM_AT)
        file.write(_NUMBER.pack(checksum))


def _checksum(path: Path) -> int:
    """CRC-32 of the file but for the checksum itself."""
    with path.open("rb") as file:
        header = bytearray(file.read(_HEADER_BYTES))
        header[_CHECKSUM_AT : _CHECKSUM_AT + _NUMBER.size] = bytes(_NUMBER.size)
        checksum = zlib.crc32(header)
        while chunk := file.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)


def _number(header: bytes, at: int) -> int:
    found: int = _NUMBER.unpack_from(header, at)[0]
    return found


def _is_sealed(header: bytes) -> bool:
    return len(header) == _HEADER_BYTES and _number(header, _APPLICATION_AT) == _APPLICATION


def _check_integrity(path: Path) -> None:
    (found,) = _asked(path, "PRAGMA integrity_check(1)")
    if found != "ok":
        raise UsageError(_damaged(path, found))


def _damaged(path: Path, problem: str) -> str:
    return f"cannot import {path}: it is damaged ({problem}); restore a copy"


def _version(path: Path) -> str | None:
    """Of the schema; None where it is another program's database, or an empty one."""
    if not _asked(path, "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"):
        return None
    found = _asked(path, "SELECT version_num FROM alembic_version")
    return found[0] if found else None


def _asked(path: Path, question: str) -> list[str]:
    """The first column of the answer, as a reader gets it that may write nothing, not even beside
    the file. Raises `UsageError`."""
    engine = sqlite.reading_engine(parse(sqlite_url(path)))
    try:
        with engine.connect() as connection:
            return [str(row[0]) for row in connection.exec_driver_sql(question)]
    except DatabaseFailure as error:
        raise UsageError(f"cannot import {path}: {error}") from error
    except DBAPIError as error:
        problem = str(error.orig)
        if any(sign in problem for sign in _DAMAGED):
            raise UsageError(_damaged(path, problem)) from error
        raise UsageError(
            f"cannot import {path}: {problem}; see to its permissions and those of its folder"
        ) from error
    finally:
        engine.dispose()


def _upgrade_copy(path: Path, copy: Path) -> None:
    """The file itself stays as it was written. Raises `UsageError`."""
    from harness.store.migrate import upgrade  # Alembic: only where there is work for it

    try:
        back_up(sqlite_url(path), copy)
        copy.chmod(0o600)  # it has the rights of the file, which nobody may have to write
        engine = sqlite.writing_engine(parse(sqlite_url(copy)))
        try:
            upgrade(engine)
        finally:
            engine.dispose()
    except (DatabaseFailure, SQLAlchemyError) as error:
        raise UsageError(f"cannot import {path}: no upgraded copy can be made: {error}") from error
