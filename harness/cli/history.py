"""`jaxrig history`."""

import argparse
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.pages import add_pages, page_of
from harness.cli.words import saying
from harness.report.writing import write_all

if TYPE_CHECKING:
    from harness.store.filters import Filters


def add(history: argparse.ArgumentParser) -> None:
    history.add_argument("cases", nargs="+", metavar="CASE_GLOB", help="a case's name, or a glob")
    instead = history.add_mutually_exclusive_group()
    instead.add_argument(
        "--changes",
        action="store_true",
        help="instead: since when cases take another time, and what changed with them",
    )
    instead.add_argument(
        "--levels",
        action="store_true",
        help="instead: where each series is now, how far it scatters, and since when",
    )
    history.add_argument(
        "--order",
        choices=("time", "commit"),
        default="time",
        help="of runs (default: time); by commit, as the checkout here has them",
    )
    history.add_argument(
        "--no-plot", action="store_true", help="on a terminal: the table without what it shows"
    )
    add_filters(history)
    add_pages(history)


def history(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.cli import changes

    filters = filters_of(arguments, arguments.cases)
    if arguments.changes:
        return changes.changes(filters, arguments, out, err)
    if arguments.levels:
        return changes.levels(filters, arguments, out, err)
    return _runs(filters, arguments, out, err)


def _runs(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.cli.changes import ordered
    from harness.report.series import history_text
    from harness.runner.abandoned import is_abandoned
    from harness.store.listing import list_series
    from harness.store.metrics import TIME

    columns = ordered(list_series(arguments.db, filters, [TIME], is_abandoned), arguments, err)
    rows, remark = page_of(zip(*columns.values(), strict=True), arguments)
    write_all(history_text(list(columns), rows, arguments.format), out)
    if remark is not None:
        saying(err)(remark)
    return 0
