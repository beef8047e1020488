"""Series as the store holds them, in the order that is asked for."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.changes import Series
    from harness.store.columns import Columns
    from harness.store.filters import Filters


def add_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--order",
        choices=("time", "commit"),
        default="time",
        help="of runs (default: time); by commit, as the checkout here has them",
    )


def stored_series(
    filters: "Filters", arguments: argparse.Namespace, say: Callable[[str], None]
) -> "list[Series]":
    """Of runs that were measured by themselves, and of nights, which come by time. `say` hears what
    a reader must know of their order."""
    from harness.config import load
    from harness.lives import all_series

    floor = load(Path.cwd()).floor
    return all_series(arguments.db, filters, floor, lambda runs: ordered(runs, arguments, say))


def ordered(
    columns: "Columns", arguments: argparse.Namespace, say: Callable[[str], None]
) -> "Columns":
    """By time, as they come, or by commit. Raises `UsageError`."""
    if arguments.order == "time":
        return columns
    from harness.git import commits_in_order
    from harness.order import by_commit, unplaced

    places = commits_in_order()
    found = by_commit(columns, places)
    if (remark := unplaced(columns, places)) is not None:
        say(remark)
    return found
