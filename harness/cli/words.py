"""What the commands share: words that they take, and how they answer."""

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TextIO

from harness.report.view import View, render
from harness.report.writing import write

DEFAULT_DATABASE = "sqlite:///results.db"
_MOST = 100_000


def show(view: View, arguments: argparse.Namespace, out: TextIO) -> None:
    write(render(view, arguments.format), out)


def command_line(*words: str, db: str = DEFAULT_DATABASE) -> str:
    """A command line that works as it is printed: this program, on this database."""
    program = Path(sys.argv[0])
    known = program.name == "jaxrig" and shutil.which("jaxrig") != str(program.absolute())
    name = os.path.relpath(program) if known else "jaxrig"
    where = () if db == (os.environ.get("JAXRIG_DB") or DEFAULT_DATABASE) else ("--db", db)
    return shlex.join([name, *words, *where])


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
