"""Runs by what they were run on and with; the columns of `jaxrig runs`."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, select

from harness.store import filters as conditions
from harness.store.columns import Columns, columns_of
from harness.store.filters import Filters
from harness.store.kinds import RUNS as KINDS
from harness.store.names import read_names
from harness.store.tables import LAUNCHES, MEASUREMENTS, OVERVIEW, RUNS


def read_runs(connection: Connection, filters: Filters) -> Columns:
    """The newest first. `started_at` and `ended_at` are text: UTC, as ISO 8601."""
    names, dialect = read_names(connection), connection.dialect.name
    meant = select(RUNS.c.id).where(*conditions.runs(filters, names, dialect))
    if filters.cases or filters.jax is not None:
        measured = conditions.measured(filters, names, dialect)
        launches = LAUNCHES.join(MEASUREMENTS, MEASUREMENTS.c.launch_id == LAUNCHES.c.id)
        meant = select(LAUNCHES.c.run_id).select_from(launches).where(*measured)
    query = (
        select(*(_column(name) for name in KINDS))
        .where(OVERVIEW.c.id.in_(meant))
        .order_by(OVERVIEW.c.started_at.desc(), OVERVIEW.c.id.desc())
    )
    return dict(zip(KINDS, columns_of(connection.execute(query)), strict=True))


def _column(name: str) -> ColumnElement[Any]:
    moment = KINDS[name] == "moment"
    return cast(OVERVIEW.c[name], Text).label(name) if moment else OVERVIEW.c[name]
