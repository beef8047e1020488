"""A file from elsewhere, read with care: whatever is wrong with it becomes one `UsageError`."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from harness.errors import UsageError
from harness.fields import PositiveSeconds

LARGEST_FILE_BYTES = 128 << 20
"""Of its content, unpacked."""

MOST_VALUES = 6_000_000
"""In one file: each takes some 50 bytes of memory, and its text some 20 more."""

MOST_PARTS = 600_000
"""Objects and lists in one file: each takes some 200 bytes."""

Samples = Annotated[
    list[PositiveSeconds], Field(min_length=1, max_length=1_000_000, fail_fast=True)
]
"""The first of them that is no time is told: a million complaints would take a gigabyte."""

_GZIP = b"\x1f\x8b"
_MOST_SHOWN = 400


class Told(BaseModel):
    """A part of a file. What it has beyond the fields is kept, to be named or passed on."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    @property
    def extras(self) -> dict[str, Any]:
        return self.model_extra or {}


Part = TypeVar("Part", bound=Told)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A JSON object, and the SHA-256 of its text."""

    content: Mapping[str, Any]
    digest: str


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Everything that can go wrong with the file at `path`, as a `UsageError` that names it."""
    try:
        yield
    except ValidationError as error:
        raise _refused(path, _first(error)) from error
    except RecursionError as error:
        raise _refused(path, "it is nested too deeply") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _refused(path, f"not a whole gzip file: {error}") from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    except KeyError as error:
        raise _refused(path, f"it lacks {error}") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise _refused(path, str(error)) from error


def document(path: Path) -> Document:
    """The JSON object in the file at `path`, packed with gzip or not. To be called in `reading`."""
    text = _in_utf_8(_content(path))
    _refuse_too_many(text)
    try:
        content = from_json(text, cache_strings="keys")
    except ValueError as error:
        raise ValueError(f"not JSON, or cut short: {error}") from error
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    return Document(content=content, digest=hashlib.sha256(text).hexdigest())


def part(kind: type[Part], content: object, where: str) -> Part:
    """`content` as a `kind`. Raises `ValueError` that says where in the file it does not fit."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ValueError(_first(error, where)) from error


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError("no such file" if not path.exists() else "not a regular file")
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as unpacked:
        text = unpacked.read(LARGEST_FILE_BYTES + 1)
    if len(text) > LARGEST_FILE_BYTES:
        raise ValueError(f"it holds more than {LARGEST_FILE_BYTES >> 20} MiB")
    return text


def _in_utf_8(text: bytes) -> bytes:
    """As PowerShell's `>` writes it: in UTF-16, or with a byte order mark."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16").encode()
    return text.removeprefix(codecs.BOM_UTF8)


def _refuse_too_many(text: bytes) -> None:
    """Before they are made: what a few bytes of text become takes a hundred times their room."""
    if text.count(b",") > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    if text.count(b"{") + text.count(b"[") > MOST_PARTS:
        raise ValueError(f"it holds more than {MOST_PARTS} objects and lists")


def _refused(path: Path, why: str) -> UsageError:
    shown = why if len(why) <= _MOST_SHOWN else f"{why[:_MOST_SHOWN]}…"
    return UsageError(f"cannot import {path}: {shown}")


def _first(error: ValidationError, where: str = "") -> str:
    """The first misfit, as `benchmarks[3].stats.median: Input should be greater than 0`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    for step in first["loc"]:
        where += f"[{step}]" if isinstance(step, int) else f".{step}" if where else str(step)
    return f"{where}: {first['msg']}" if where else first["msg"]
