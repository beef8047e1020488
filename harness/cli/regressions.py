"""`jaxrig regressions list|ack|ignore|reopen|announce`."""

import argparse
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.nested import Options, nested
from harness.cli.pages import add_pages, page_of
from harness.cli.words import command_line, saying, show
from harness.errors import Regression, UsageError
from harness.states import OPEN, STATES, State

if TYPE_CHECKING:
    from harness.config import Settings


def add(regressions: argparse.ArgumentParser, options: Options) -> None:
    """`options`: those that every command has."""
    add = nested(regressions, options)
    _add_list(add("list", listed, "show what got slower, and what became of it, the newest first"))
    text = "print what got slower and was not announced before; exit 1 where anything is"
    add_cases(add("announce", announce, text))
    _add_decision(add("ack", ack, "acknowledge regressions: somebody sees to them"))
    _add_decision(add("ignore", ignore, "ignore regressions: they are meant, or matter to nobody"))
    _add_decision(add("reopen", reopen, "take back that regressions are acknowledged or ignored"))


def add_cases(parser: argparse.ArgumentParser) -> None:
    """Which regressions are meant."""
    parser.add_argument(
        "cases",
        nargs="*",
        metavar="CASE_GLOB",
        help="a case's name, or a glob (default: every case)",
    )
    add_filters(parser)


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_cases(parser)
    parser.add_argument(
        "--state",
        action="append",
        choices=(*STATES, "all"),
        help=f"only these (default: {' and '.join(OPEN)}); repeats",
    )
    add_pages(parser)


def _add_decision(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="as `list` shows it")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why")
    parser.add_argument("--who", metavar="NAME", help="who decides it (default: this user)")


def listed(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.lives import regressions
    from harness.report.regressions import regressions_view

    states = _states(arguments)
    filters = filters_of(arguments, arguments.cases)
    found = regressions(arguments.db, filters, _settings().floor)
    shown, remark = page_of((each for each in found if each.state in states), arguments)
    show(regressions_view(list(shown)), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0


def announce(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.lives import announce
    from harness.report.regressions import announced_view

    filters = filters_of(arguments, arguments.cases)
    found = announce(arguments.db, filters, _settings().floor, saying(err))
    # With nothing to tell, a cron job says nothing: what it says becomes a mail.
    if found or arguments.format in ("json", "csv"):
        show(announced_view(found, arguments.format), arguments, out)
    if found:
        how = command_line("regressions", "list", db=arguments.db)
        raise Regression(f"{len(found)} not announced before; all that are open: {how}")
    return 0


def ack(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    return _decide(arguments, out, err, "acknowledged")


def ignore(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    return _decide(arguments, out, err, "ignored")


def reopen(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    return _decide(arguments, out, err, "detected")


def _decide(arguments: argparse.Namespace, out: TextIO, err: TextIO, state: State) -> int:
    from harness.lives import decide
    from harness.report.regressions import regressions_view

    found = decide(
        arguments.db,
        arguments.names,
        state=state,
        reason=_told("--reason", arguments.reason),
        who=_told("--who", _user() if arguments.who is None else arguments.who),
        floor=_settings().floor,
        say=saying(err),
    )
    show(regressions_view(found), arguments, out)
    return 0


def _states(arguments: argparse.Namespace) -> tuple[str, ...]:
    states = tuple(arguments.state or OPEN)
    return STATES if "all" in states else states


def _told(option: str, text: str) -> str:
    """Raises `UsageError` for one that tells nothing."""
    if not text.strip():
        raise UsageError(f"{option} is empty; whoever reads it later wants to know")
    return text


def _user() -> str:
    """Raises `UsageError` where the system knows no name, as in some containers."""
    try:
        return getuser()
    except (KeyError, OSError) as error:  # the former until Python 3.13
        raise UsageError("the system does not know who you are; say it by --who") from error


def _settings() -> "Settings":
    from harness.config import load

    return load(Path.cwd())
