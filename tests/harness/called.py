"""The command line with its streams in hand, in this process."""

import io
from collections.abc import Callable
from typing import NamedTuple

from harness.cli import dispatch


class Outcome(NamedTuple):
    """The exit code, and what was written to stdout and to stderr."""

    code: int
    out: str
    err: str


Jaxrig = Callable[..., Outcome]


def called(*words: object) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    code = dispatch([str(word) for word in words], out, err)
    return Outcome(code, out.getvalue(), err.getvalue())
