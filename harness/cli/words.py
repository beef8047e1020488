"""What the commands share: words that they take, and how they answer."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError
from harness.report.fitting import COLUMNS
from harness.report.view import View, printable, render
from harness.report.writing import write

DEFAULT_DATABASE = "sqlite:///results.db"
_MOST = 100_000


def show(view: View, arguments: argparse.Namespace, out: TextIO) -> None:
    write(render(view, arguments.format, columns_of(out)), out)


def columns_of(out: TextIO) -> int:
    """Characters of a line: the terminal's, where it is one."""
    return shutil.get_terminal_size((COLUMNS, 24)).columns if out.isatty() else COLUMNS


def add_junit(parser: argparse.ArgumentParser) -> None:
    """The option that `harness.report.junit` answers."""
    parser.add_argument(
        "--junit",
        type=Path,
        metavar="FILE",
        help="write the cases as JUnit's XML, too: CI systems show them as tests",
    )


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

    def say(line: str) -> None:
        write(printable(f"jaxrig: {line}") + "\n", err)

    return say


def when(read: Callable[[str], datetime], text: str) -> datetime:
    """`text` as a function of `harness.moments` reads it."""
    try:
        return read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


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


def tags(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Raises `UsageError` for a tag that is given two values."""
    found = dict(pairs)
    for key, value in pairs:
        if found[key] != value:
            raise UsageError(f"--tag {key} is given twice: {value!r} and {found[key]!r}")
    return found
