"""How much there is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from harness.store.tables import MEASUREMENTS, RUNS


@dataclass(frozen=True, kw_only=True)
class Counts:
    """`first`, `last`: when runs began; None where there is none."""

    runs: int
    measurements: int
    first: datetime | None
    last: datetime | None


def read_counts(connection: Connection) -> Counts:
    runs = select(func.count(), func.min(RUNS.c.started_at), func.max(RUNS.c.started_at))
    count, first, last = connection.execute(runs.select_from(RUNS)).one()
    measurements = connection.scalar(select(func.count()).select_from(MEASUREMENTS))
    return Counts(runs=count, measurements=measurements or 0, first=first, last=last)
