"""What many pages tell of a run: in words, and as cells."""

from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.series import target_of
from harness.report.site import addresses
from harness.report.site.table import Cell, number, told

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.store.reader import Run

DIGITS = 12
"""Of a digest, a hash or a commit, which people read."""


def short(text: str | None) -> str:
    """A digest, a hash or a commit as people read it; nothing where there is none."""
    return "" if text is None else text.removeprefix("sha256:")[:DIGITS]


def run_cell(run: "Run") -> Cell:
    return told(run.run, addresses.of_run(run.run))


def started(run: "Run") -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M}"


def place_of(archive: "Archive", run: "Run") -> str:
    """On which machine and with what it ran, as people call it."""
    machine, target, isolation = archive.place_of(run)
    return f"{target_of(target, isolation)} on {machine}"


def seconds(value: float | None) -> Cell:
    return number("" if value is None else quantity.seconds(value), value)


def size(value: float | None) -> Cell:
    return number("" if value is None else quantity.size(value), value)


def ratio(value: float | None) -> Cell:
    return number("" if value is None else f"{value:.3f}", value)
