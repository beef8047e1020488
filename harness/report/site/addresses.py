"""Where each page lies, as the site's pages refer to it: from its root."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlencode

_OWN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
"""Names of runs that jaxrig gives; other databases may hold any."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80


@lru_cache(maxsize=100_000)
def of_case(case: str) -> str:
    return f"case/{_file_name(case)}.html"


def of_run(run: str) -> str:
    return f"run/{_of_run(run)}.html"


def of_comparison(base: str, candidate: str, *, sign: str = "#") -> str:
    """`sign`: what a page without a server reads comes behind a `#`, what one asks for behind a
    `?`."""
    return "compare.html" + sign + urlencode({"base": base, "candidate": candidate})


def asking(address: str, asked: Sequence[tuple[str, str]]) -> str:
    """What a page that is made when it is asked for is to show."""
    return f"{address}?{urlencode(asked)}" if asked else address


def data_of_run(run: str) -> str:
    """What the page that compares loads of a run."""
    return f"data/{_of_run(run)}.js"


def _of_run(run: str) -> str:
    return run if _OWN.fullmatch(run) else _file_name(run)


def _file_name(text: str) -> str:
    """Readable, the same every time, of no two texts the same, and of use on every file system."""
    readable = _UNSAFE.sub("-", text).strip("-.")[:_LONGEST]
    return f"{readable}-{sha256(text.encode(errors='replace')).hexdigest()[:10]}"
