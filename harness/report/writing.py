"""Writes to a stream whose reader may have gone."""

import os
from typing import TextIO


def write(text: str, stream: TextIO) -> None:
    """Writes and flushes. A reader that has gone (head, less) ends the writing, but neither what
    is being done nor its exit code."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Into nothing from now on, the flush at the interpreter's end included.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
