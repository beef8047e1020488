"""Writes to a stream whose reader may have gone."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TextIO

STDOUT = Path("-")


def write(text: str, stream: TextIO) -> bool:
    """Writes and flushes; whether there is still a reader. One that has gone (head, less) ends the
    writing, but neither what is being done nor its exit code."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _write_into_nothing(stream)
        return False
    return True


def put(text: str, path: Path, stream: TextIO) -> None:
    """Into a file, which is replaced; for `STDOUT`, to the stream. Raises OSError."""
    if path == STDOUT:
        write(text, stream)
    else:
        path.write_text(text, encoding="utf-8")


def write_all(pieces: Iterable[str], stream: TextIO) -> None:
    """Likewise; no more pieces are made than are read."""
    for piece in pieces:
        if not write(piece, stream):
            return


def write_bytes(content: bytes, stream: BinaryIO) -> None:
    """Likewise."""
    try:
        stream.write(content)
        stream.flush()
    except BrokenPipeError:
        _write_into_nothing(stream)


def _write_into_nothing(stream: TextIO | BinaryIO) -> None:
    """From now on, the flush at the interpreter's end included."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
