"""`jaxrig report`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.words import saying, show

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware, Timed
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
            ceilings_of=_ceilings_of(reader),
        )
        written = write_site(arguments.out, site.files())
    show(written_view(arguments.out, written), arguments, out)
    saying(err)(f"open {arguments.out / 'index.html'}")
    return 0


def _limits_of(
    reader: "Reader", archive: "Archive"
) -> "Callable[[Run], tuple[Bottlenecks, Hardware] | None]":
    """Of runs whose machine, image and software have ceilings; each is joined to them once."""
    from functools import cache

    from harness.bottleneck import place
    from harness.errors import UsageError
    from harness.limits import hold
    from workloads.catalog import CEILINGS

    everything = reader.runs()
    measured = {place(run) for run in everything if run.suite == CEILINGS and run.measurements}

    @cache
    def of(name: str) -> "tuple[Bottlenecks, Hardware] | None":
        run = archive.runs[name]
        if place(run) not in measured or not run.measurements or run.suite == CEILINGS:
            return None
        try:
            held = hold(reader, run)
        except UsageError:  # they are incomplete: the page says that there are none
            return None
        return held.labelled(), held.hardware

    return lambda run: of(run.run)


def _ceilings_of(reader: "Reader") -> "Callable[[Run], tuple[Hardware, Sequence[Timed]] | None]":
    from harness.bottleneck import Incomplete
    from harness.limits import hardware_of_run

    def of(run: "Run") -> "tuple[Hardware, Sequence[Timed]] | None":
        try:
            return hardware_of_run(reader, run)
        except Incomplete:
            return None

    return of
