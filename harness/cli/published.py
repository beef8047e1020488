"""What others show of regressions: `jaxrig badge`, `jaxrig feed`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from harness.cli.asked import filters_of
from harness.cli.regressions import add_cases
from harness.errors import UsageError
from harness.report.writing import put

if TYPE_CHECKING:
    from harness.regressions import Regression


def add_badge(badge: argparse.ArgumentParser) -> None:
    _add_file(badge, "an SVG")
    add_cases(badge)


def add_feed(feed: argparse.ArgumentParser) -> None:
    _add_file(feed, "an Atom feed")
    add_cases(feed)
    feed.add_argument("--link", metavar="URL", help="a page that entries lead to, as a report is")


def badge(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.badge import badge

    put(badge(_found(arguments)), arguments.file, out)
    return 0


def feed(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from datetime import UTC, datetime

    from harness.report.feed import feed

    link: str | None = arguments.link
    if link is not None:
        _refuse_no_page(link)
    address = link or arguments.file.resolve().as_uri()
    found = [each for each in _found(arguments) if each.is_told]
    put(feed(found, address=address, link=link, now=datetime.now(UTC)), arguments.file, out)
    return 0


def _refuse_no_page(link: str) -> None:
    """Raises `UsageError` for what no browser may be led to."""
    try:
        scheme, place, *_ = urlsplit(link)
    except ValueError as error:
        raise UsageError(f"--link {link}: {error}") from error
    if scheme not in ("http", "https") or not place:
        raise UsageError(f"--link {link}: a page's address begins with https:// or http://")


def _add_file(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help=f"{what}; one that is there is replaced; -: stdout"
    )


def _found(arguments: argparse.Namespace) -> "tuple[Regression, ...]":
    from harness.config import load
    from harness.lives import regressions

    filters = filters_of(arguments, arguments.cases)
    return regressions(arguments.db, filters, load(Path.cwd()).floor)
