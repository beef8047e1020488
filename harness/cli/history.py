"""`jaxrig history`."""

import argparse
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.pages import add_pages, page_of
from harness.cli.series import add_order, ordered
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
    add_order(history)
    history.add_argument(
        "--no-plot", action="store_true", help="draw nothing above the table, on a terminal either"
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
    from harness.cli.drawing import draw_runs, is_drawn
    from harness.report.series import history_text
    from harness.runner.abandoned import is_abandoned
    from harness.store.listing import list_series
    from harness.store.metrics import TIME

    stored = list_series(arguments.db, filters, [TIME], is_abandoned)
    columns = ordered(stored, arguments, saying(err))
    if is_drawn(arguments, out):
        draw_runs(filters, columns, arguments, out, err)
    rows, remark = page_of(zip(*columns.values(), strict=True), arguments)
    write_all(history_text(list(columns), rows, arguments.format), out)
    if remark is not None:
        saying(err)(remark)
    return 0
