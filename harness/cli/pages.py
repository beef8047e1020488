"""Pages of rows: the options that ask for them, and what stderr tells of the others."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest, nsmallest
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from harness.cli.words import command_line, positive
from harness.errors import UsageError

Row = tuple[Any, ...]
T = TypeVar("T")

_ROWS = 100


def add_pages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"rows of a page (default: {_ROWS} in tables, and where --page is given; else all)",
    )
    parser.add_argument("--page", type=positive, metavar="K", help="which, from 1")


def page_of(rows: Iterable[T], arguments: argparse.Namespace) -> tuple[Iterable[T], str | None]:
    """The rows that are asked for, and what there is to tell of the others. No more are taken than
    show whether there are any."""
    size, number = _size(arguments), arguments.page or 1
    if size is None:
        return rows, None
    start = size * (number - 1)
    found = list(islice(rows, start, start + size + 1))
    more = len(found) > size
    shown = found[:size]
    return shown, _told(arguments, start, len(shown), more=more) if more or number > 1 else None


def in_order(
    rows: Iterable[Row], place: int, arguments: argparse.Namespace, *, descending: bool
) -> list[Row]:
    """Sorted by the values there: equal ones as they come, what is unknown at the end. Where a page
    is asked for, none of the rows behind it are kept."""
    size, missing = _size(arguments), list[Row]()
    most = None if size is None else size * (arguments.page or 1) + 1

    def known() -> Iterator[Row]:
        for row in rows:
            if row[place] is not None:
                yield row
            elif most is None or len(missing) < most:
                missing.append(row)

    by = itemgetter(place)
    if most is None:
        found = sorted(known(), key=by, reverse=descending)
    else:
        found = (nlargest if descending else nsmallest)(most, known(), key=by)
    return found + missing


def sort_of(text: str, names: Sequence[str]) -> tuple[str, bool]:
    """The column that `--sort` names, and whether it descends. Raises `UsageError`."""
    name, colon, way = text.partition(":")
    if name not in names:
        raise UsageError(f"--sort {name!r} is no column; there are: {', '.join(names)}")
    if colon and way not in ("asc", "desc"):
        raise UsageError(f"--sort {text!r}: a column is followed by :desc, :asc or nothing")
    return name, way == "desc"


def _size(arguments: argparse.Namespace) -> int | None:
    """Rows of a page; None where there are no pages."""
    if arguments.limit is not None:
        size: int = arguments.limit
        return size
    paged = arguments.page is not None or arguments.format in ("table", "md")
    return _ROWS if paged else None


def _told(arguments: argparse.Namespace, start: int, rows: int, *, more: bool) -> str:
    number = arguments.page or 1
    if not rows:
        return f"page {number} is behind the last row"
    told = f"rows {start + 1} to {start + rows}"
    if not more:
        return told
    words = [*_without_page(arguments.words), "--page", str(number + 1)]
    return f"{told}; the next: {command_line(*words)}"


def _without_page(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    skip = False
    for word in words:
        if not skip and word != "--page" and not word.startswith("--page="):
            found.append(word)
        skip = word == "--page"
    return found
