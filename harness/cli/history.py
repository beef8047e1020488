"""`jaxrig history`."""

import argparse
from typing import TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.pages import add_pages, page_of
from harness.cli.words import saying
from harness.report.writing import write_all


def add(history: argparse.ArgumentParser) -> None:
    history.add_argument("cases", nargs="+", metavar="CASE_GLOB", help="a case's name, or a glob")
    add_filters(history)
    add_pages(history)


def history(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.series import history_text
    from harness.runner.abandoned import is_abandoned
    from harness.store.listing import list_series
    from harness.store.metrics import TIME

    filters = filters_of(arguments, arguments.cases)
    columns = list_series(arguments.db, filters, [TIME], is_abandoned)
    rows, remark = page_of(zip(*columns.values(), strict=True), arguments)
    write_all(history_text(list(columns), rows, arguments.format), out)
    if remark is not None:
        saying(err)(remark)
    return 0
