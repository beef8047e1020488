"""What got slower: of a database that is small found in its series; of others as it was kept when
somebody looked at all of them last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from harness.changes import Changed, Series, series_of_nights, series_of_runs
from harness.explained import explained_in
from harness.lives import read_columns
from harness.regressions import Regression, follow
from harness.states import OPEN
from harness.store.filters import Filters, machines_named, matches
from harness.store.ledger import read_kept
from harness.store.tables import MEASUREMENTS
from harness.web.memory import Memory
from harness.web.source import Reading

Floor = Callable[[str], float]

FEW = 20_000
"""Measurements: as many as are looked at in half a second, once a version."""


@dataclass(frozen=True, kw_only=True)
class Slower:
    """The newest first. `series`: all of them, where they were looked at; None: as it was kept.
    `changed`: those changes that are open regressions."""

    found: Sequence[Regression]
    series: Sequence[Series] | None = None
    changed: Sequence[Changed] = ()


class Regressions:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._memory = Memory[Slower](1)

    def of(self, reading: Reading, filters: Filters) -> Slower:
        """On the machine, and of the target, cases and isolation, that is asked for."""
        slower = self._memory.of(reading.version, lambda: self._found(reading))
        is_meant = _Meant(reading, filters)
        series = slower.series
        return replace(
            slower,
            found=[each for each in slower.found if is_meant(each.where)],
            series=None if series is None else [x for x in series if is_meant(x.where)],
        )

    def _found(self, reading: Reading) -> Slower:
        kept = read_kept(reading.connection, reading.known.names, Filters())
        if not _is_small(reading):
            return Slower(found=follow((), kept, self._floor))
        runs, nights = read_columns(reading.connection, Filters(), reading.known.names)
        series = [*series_of_runs(runs, self._floor), *series_of_nights(nights, self._floor)]
        found = follow(series, kept, self._floor)
        changed = [x.changed for x in found if x.changed is not None and x.state in OPEN]
        told = list(explained_in(reading.connection, reading.reader, changed))
        return Slower(found=found, series=series, changed=told)


def _is_small(reading: Reading) -> bool:
    some = select(MEASUREMENTS.c.id).limit(FEW + 1).subquery()
    return (reading.connection.scalar(select(func.count()).select_from(some)) or 0) <= FEW


class _Meant:
    """Whether a series is one of those that are asked for."""

    def __init__(self, reading: Reading, filters: Filters) -> None:
        names, self._filters = reading.known.names, filters
        self._machines: set[str] | None = None
        if filters.machine is not None:
            named = machines_named(filters.machine, names)
            self._machines = {names.machines[key].counts_as for key in named}

    def __call__(self, where: Mapping[str, str]) -> bool:
        asked = self._filters
        return (
            (self._machines is None or where["machine"] in self._machines)
            and asked.target in (None, where["target"])
            and asked.isolation in (None, where["isolation"])
            and (not asked.cases or matches(where["case"], asked.cases))
        )
