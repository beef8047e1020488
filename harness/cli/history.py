"""`jaxrig history`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.pages import add_pages, page_of
from harness.cli.words import saying, show
from harness.report.writing import write_all

if TYPE_CHECKING:
    from harness.store.filters import Filters


def add(history: argparse.ArgumentParser) -> None:
    history.add_argument("cases", nargs="+", metavar="CASE_GLOB", help="a case's name, or a glob")
    history.add_argument(
        "--changes",
        action="store_true",
        help="instead: since when cases take another time, and what changed with them",
    )
    add_filters(history)
    add_pages(history)


def history(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.series import history_text
    from harness.runner.abandoned import is_abandoned
    from harness.store.listing import list_series
    from harness.store.metrics import TIME

    filters = filters_of(arguments, arguments.cases)
    if arguments.changes:
        return _changes(filters, arguments, out, err)
    columns = list_series(arguments.db, filters, [TIME], is_abandoned)
    rows, remark = page_of(zip(*columns.values(), strict=True), arguments)
    write_all(history_text(list(columns), rows, arguments.format), out)
    if remark is not None:
        saying(err)(remark)
    return 0


def _changes(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.lives import all_series
    from harness.report.changes import changes_view

    series = all_series(arguments.db, filters, load(Path.cwd()).floor)
    shown, remark = page_of((each for one in series for each in one.changed()), arguments)
    show(changes_view(series, list(shown)), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0
