"""Which limit binds the cases of a run: worked out once of each run and the ceilings there are."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import Connection, func, select

from harness.bottleneck import place
from harness.limits import ceilings_of, limits_of
from harness.store.reader import Run
from harness.store.tables import LAUNCHES, MEASUREMENTS, RUNS
from harness.web.source import Reading

if TYPE_CHECKING:
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware, Timed

T = TypeVar("T")

MOST = 256
"""Runs that are remembered, those asked for last."""


class Labels:
    """It takes longer than everything else of a page, and stays the same until one of these runs
    measures more, or is pruned."""

    def __init__(self) -> None:
        self._limits = Memory["tuple[Bottlenecks, Hardware] | None"]()
        self._ceilings = Memory["tuple[Hardware, Sequence[Timed]] | None"]()

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


class Memory(Generic[T]):
    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, Lock()
        self._found: OrderedDict[Hashable, T] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = make()
        with self._lock:
            self._found[key] = found
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return found


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
