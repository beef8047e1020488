"""`jaxrig report`."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.words import saying, show

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware
    from harness.store.reader import Reader, Run


def add(report: argparse.ArgumentParser) -> None:
    report.add_argument(
        "cases", nargs="*", metavar="CASE_GLOB", help="only matching cases (default: all)"
    )
    report.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder of its own; what is there of an earlier report is renewed",
    )
    add_filters(report)


def report(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.archive import read_archive
    from harness.config import load
    from harness.limits import ceilings_of
    from harness.report.listings import written_view
    from harness.report.site.files import write_site
    from harness.report.site.site import Site
    from harness.store.reader import Reader

    filters = filters_of(arguments, arguments.cases)
    archive = read_archive(arguments.db, filters, load(Path.cwd()).floor)
    with Reader(arguments.db) as reader:
        site = Site(
            archive=archive,
            limits_of=_limits_of(reader, archive),
            ceilings_of=partial(ceilings_of, reader),
        )
        written = write_site(arguments.out, site.files())
    show(written_view(arguments.out, written), arguments, out)
    saying(err)(f"open {arguments.out / 'index.html'}")
    return 0


def _limits_of(
    reader: "Reader", archive: "Archive"
) -> "Callable[[Run], tuple[Bottlenecks, Hardware] | None]":
    """Of each run once."""
    from functools import cache

    from harness.limits import limits_of
    from harness.store.reader import CEILINGS

    stored = reader.runs(suite=CEILINGS)

    @cache
    def of(name: str) -> "tuple[Bottlenecks, Hardware] | None":
        return limits_of(reader, archive.runs[name], stored)

    return lambda run: of(run.run)
