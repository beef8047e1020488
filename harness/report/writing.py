"""Writes to a stream whose reader may have gone."""

import os
from collections.abc import Iterable
from typing import BinaryIO, TextIO


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
