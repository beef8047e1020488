"""What the commands share: words that they take, and how they answer."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError
from harness.report.view import View, printable, render
from harness.report.writing import write

DEFAULT_DATABASE = "sqlite:///results.db"
_MOST = 100_000
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def show(view: View, arguments: argparse.Namespace, out: TextIO) -> None:
    write(render(view, arguments.format), out)


def command_line(*words: str, db: str | None = None) -> str:
    """A command line that works as it is printed: this program, on this database; None: that which
    the words name, or none of them."""
    program = Path(sys.argv[0])
    known = program.name == "jaxrig" and shutil.which("jaxrig") != str(program.absolute())
    name = os.path.relpath(program) if known else "jaxrig"
    where = () if db in (None, default_database()) else ("--db", db)
    return shlex.join([name, *words, *where])


def default_database() -> str:
    """The database where --db names none."""
    return os.environ.get("JAXRIG_DB") or DEFAULT_DATABASE


def database(text: str, option: str = "--db") -> str:
    """A URL without a password: everybody on the machine can read command lines."""
    from harness.store.url import holds_password, shown

    if holds_password(text):
        or_all = "whole URL in JAXRIG_DB, or the " if option == "--db" else ""
        raise UsageError(
            f"{option} {shown(text)} holds a password, which everybody here could see; give the "
            f"{or_all}password in PGPASSWORD or ~/.pgpass (PGPASSFILE)"
        )
    return text


def saying(err: TextIO) -> Callable[[str], None]:
    """How what goes on beside a command's answer is told."""
    return lambda line: write(printable(f"jaxrig: {line}") + "\n", err)


def age(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdecimal() or len(number) > len(str(_MOST)):
        raise argparse.ArgumentTypeError(f"{text!r} is no age, as 180d, 26w and 12h are")
    return int(number) * _UNITS[unit]


def positive(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) <= len(str(_MOST)) else 0
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST}")
    return number


def tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value
