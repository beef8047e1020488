"""A bundle: runs in one file that another database takes in without loss.

It is an SQLite database of the same schema. Two numbers in the file's header, which SQLite leaves
to its users (https://www.sqlite.org/fileformat2.html, 1.3), tell it from others: the application's
id, and as the user's version a checksum over everything else.
"""

import os
import secrets
import sqlite3
import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from harness.errors import UsageError
from harness.store.merge import Merged, merge
from harness.store.writer import Store

SUFFIX = ".jaxrig"

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_CHECKSUM_AT = 60
_APPLICATION_AT = 68
_APPLICATION = int.from_bytes(b"jrig", "big")
_NUMBER = struct.Struct(">I")
_CHUNK_BYTES = 1 << 20


def write(url: str, path: Path, runs: Collection[str], say: Callable[[str], None]) -> Merged:
    """Puts the runs of these names into a new bundle at `path`, which is there at once or not at
    all; one that was there is replaced. Raises `DatabaseFailure` and `OSError`."""
    with replacing(path) as unfinished:
        with Store(f"sqlite:///{unfinished}") as store:
            merged = merge(url, store, runs=runs, say=say)
        _close_off(unfinished)
        _seal(unfinished)
    return merged


def is_database(path: Path) -> bool:
    """Whether the file holds a database: a bundle, or the results themselves."""
    return path.suffix == SUFFIX or (path.is_file() and _header(path).startswith(_MAGIC))


def take_in(path: Path, store: Store, say: Callable[[str], None]) -> Merged:
    """Everything in a bundle, or in another result database of SQLite.

    Raises `UsageError` for a damaged one, before anything is taken from it, and
    `DatabaseFailure`.
    """
    check(path)
    return merge(f"sqlite:///{path}", store, say=say)


def check(path: Path) -> None:
    """Raises `UsageError` for a file that is not as it was written."""
    try:
        header = _header(path)
    except OSError as error:
        raise UsageError(f"cannot import {path}: {error.strerror}") from error
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise UsageError(f"cannot import {path}: not a bundle, or cut short; copy it again")
    if _number(header, _APPLICATION_AT) == _APPLICATION:
        if _number(header, _CHECKSUM_AT) != _checksum(path):
            raise UsageError(
                f"cannot import {path}: it is cut short or was altered; copy it again from where "
                "`jaxrig export` wrote it"
            )
    elif path.suffix == SUFFIX:
        raise UsageError(f"cannot import {path}: not a bundle of `jaxrig export`, or altered")
    else:
        _check_integrity(path)


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


def _check_integrity(path: Path) -> None:
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise UsageError(f"cannot import {path}: it is damaged ({found}); restore a copy")
