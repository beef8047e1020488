"""`jaxrig history`."""

import argparse
from typing import TextIO

from harness.cli.asked import add_filters, filters_of
from harness.report.writing import write


def add(history: argparse.ArgumentParser) -> None:
    history.add_argument("cases", nargs="+", metavar="CASE_GLOB", help="a case's name, or a glob")
    add_filters(history)


def history(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.series import history_text
    from harness.store.listing import list_series
    from harness.store.metrics import TIME

    columns = list_series(arguments.db, filters_of(arguments, arguments.cases), [TIME])
    for piece in history_text(columns, arguments.format):
        write(piece, out)
    return 0
