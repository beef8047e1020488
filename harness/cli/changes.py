"""`jaxrig history --changes` and `--levels`."""

import argparse
from typing import TYPE_CHECKING, TextIO

from harness.cli.drawing import draw_changes, is_drawn
from harness.cli.pages import page_of
from harness.cli.series import stored_series
from harness.cli.words import saying, show

if TYPE_CHECKING:
    from harness.store.filters import Filters


def changes(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.explained import explained
    from harness.report.changes import changes_view

    series = stored_series(filters, arguments, saying(err))
    found, remark = page_of((each for one in series for each in one.changed()), arguments)
    shown = list(explained(arguments.db, list(found)))
    if is_drawn(arguments, out):
        draw_changes(series, shown, out)
    show(changes_view(series, shown), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0


def levels(filters: "Filters", arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.levels import levels_view

    series = stored_series(filters, arguments, saying(err))
    shown, remark = page_of(series, arguments)
    show(levels_view(series, list(shown)), arguments, out)
    if remark is not None:
        saying(err)(remark)
    return 0
