"""`jaxrig report`."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.asked import add_filters, filters_of
from harness.cli.words import saying, show

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware
    from harness.store.reader import Reader, Run

MANY = 200
"""Parts of a site, from which on they are made by several processes."""

MOST_PROCESSES = 4

RARELY = 200_000
"""Objects more than there were, from which on circles are looked for."""


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
    with ExitStack() as ending:
        go_on = ending.enter_context(_rarely_collected())
        archive = read_archive(arguments.db, filters, load(Path.cwd()).floor)
        go_on()
        # Each process that makes pages opens the database for itself, once it asks it anything.
        reader = cache(lambda: ending.enter_context(Reader(arguments.db)))
        site = Site(
            archive=archive,
            limits_of=_limits_of(reader, archive),
            ceilings_of=lambda run: ceilings_of(reader(), run),
        )
        parts = site.parts()
        written = write_site(arguments.out, parts, _processes(len(parts)))
    show(written_view(arguments.out, written), arguments, out)
    saying(err)(f"open {arguments.out / 'index.html'}")
    return 0


@contextmanager
def _rarely_collected() -> Iterator[Callable[[], None]]:
    """What is read stays to the end: to look for circles in it takes a fifth of the time. To be
    called once it is read: from then on they are looked for now and then, in what comes after."""
    was_on, before = gc.isenabled(), gc.get_threshold()
    gc.disable()

    def go_on() -> None:
        gc.freeze()
        gc.set_threshold(RARELY)
        gc.enable()

    try:
        yield go_on
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        (gc.enable if was_on else gc.disable)()


def _processes(parts: int) -> int:
    """As many as there are cores, where there is enough to do; copies that other systems make of a
    process cannot be relied on."""
    if sys.platform != "linux" or parts < MANY:
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def _limits_of(
    reader: "Callable[[], Reader]", archive: "Archive"
) -> "Callable[[Run], tuple[Bottlenecks, Hardware] | None]":
    """Of each run once."""
    from harness.limits import limits_of
    from harness.store.reader import CEILINGS

    stored = cache(lambda: reader().runs(suite=CEILINGS))

    @cache
    def of(name: str) -> "tuple[Bottlenecks, Hardware] | None":
        return limits_of(reader(), archive.runs[name], stored())

    return lambda run: of(run.run)
