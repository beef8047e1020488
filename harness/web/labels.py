"""Which limit binds the cases of a run: worked out once of each run and the ceilings there are."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from harness.bottleneck import place
from harness.limits import ceilings_of, limits_of
from harness.store.reader import Run
from harness.store.tables import LAUNCHES, MEASUREMENTS, RUNS
from harness.web.memory import Memory
from harness.web.source import Reading

if TYPE_CHECKING:
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware, Timed

MOST = 256
"""Runs that are remembered, those asked for last."""


class Labels:
    """It takes longer than everything else of a page, and stays the same until one of these runs
    measures more, or is pruned."""

    def __init__(self) -> None:
        self._limits = Memory["tuple[Bottlenecks, Hardware] | None"](MOST)
        self._ceilings = Memory["tuple[Hardware, Sequence[Timed]] | None"](MOST)

    def limits_of(self, reading: Reading, run: Run) -> "tuple[Bottlenecks, Hardware] | None":
        """None where there are no ceilings of its machine and image."""
        stored = [each for each in reading.known.ceilings if place(each) == place(run)]
        if not stored:
            return None
        key = _as_they_are(reading.connection, [run, *stored])
        return self._limits.of(key, lambda: limits_of(reading.reader, run, stored))

    def ceilings_of(self, reading: Reading, run: Run) -> "tuple[Hardware, Sequence[Timed]] | None":
        """None where those that it measured are incomplete."""
        key = _as_they_are(reading.connection, [run])
        return self._ceilings.of(key, lambda: ceilings_of(reading.reader, run))


def _as_they_are(connection: Connection, runs: Sequence[Run]) -> Hashable:
    """What changes where a run does."""
    row = RUNS.c
    query = (
        select(row.name, row.status, func.count(), func.count(MEASUREMENTS.c.samples_s))
        .join(LAUNCHES, LAUNCHES.c.run_id == row.id)
        .join(MEASUREMENTS, MEASUREMENTS.c.launch_id == LAUNCHES.c.id)
        .where(row.name.in_([each.run for each in runs]))
        .group_by(row.id, row.name, row.status)
        .order_by(row.id)
    )
    first = runs[0].run if runs else ""
    return (first, *map(tuple, connection.execute(query)))
