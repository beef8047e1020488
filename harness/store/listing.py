"""A series as the command line asks for it: names that nothing has are mistakes there."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from harness.store.columns import Columns
from harness.store.database import database_errors, open_for_reading
from harness.store.filters import Filters, check, check_target
from harness.store.metrics import Metric
from harness.store.names import read_names
from harness.store.series import read_newest, read_series
from harness.store.tables import RUNS


def list_series(
    url: str, filters: Filters, metrics: Sequence[Metric], newest: int | None = None
) -> Columns:
    """As `read_series`, or where only so many are wanted as `read_newest`. Raises
    `DatabaseFailure`, and `UsageError` for names that nothing stored has."""
    engine = open_for_reading(url)
    try:
        with database_errors(url), engine.connect() as connection:
            names = read_names(connection)
            check(filters, names)
            if newest is None:
                found = read_series(connection, filters, names, metrics)
            else:
                found = read_newest(connection, filters, names, metrics, newest)
            if filters.target is not None and not found["case"]:
                check_target(filters.target, _targets(connection))
            return found
    finally:
        engine.dispose()


def _targets(connection: Connection) -> Sequence[str]:
    return connection.execute(select(RUNS.c.target).distinct()).scalars().all()
