"""Series as the store holds them, in the order that is asked for."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
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
) -> "Iterator[Series]":
    """Of runs that were measured by themselves, and of nights, which come by time. `say` hears what
    a reader must know of their order."""
    from harness.changes import series_of_nights, series_of_runs
    from harness.config import load
    from harness.runner.abandoned import is_abandoned
    from harness.stats.nights import NightRule
    from harness.store.listing import list_series
    from harness.store.metrics import TIME
    from harness.store.ratios import list_nights

    floor = load(Path.cwd()).floor
    runs = list_series(arguments.db, replace(filters, apart=True), [TIME], is_abandoned)
    nights = list_nights(arguments.db, filters, least_pairs=NightRule().pairs)
    yield from series_of_runs(ordered(runs, arguments, say), floor)
    yield from series_of_nights(nights, floor)


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
