"""A series as the command line asks for it: names that nothing has are mistakes there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from harness.store.abandoned import settled
from harness.store.columns import Columns
from harness.store.database import database_errors, open_for_reading
from harness.store.filters import Filters, check, check_target
from harness.store.metrics import Metric
from harness.store.names import Names, read_names
from harness.store.series import read_newest, read_series
from harness.store.tables import RUNS

if TYPE_CHECKING:
    from harness.store.reader import IsAbandoned

Rows = Iterator[tuple[Any, ...]]


def list_series(
    url: str, filters: Filters, metrics: Sequence[Metric], is_abandoned: "IsAbandoned"
) -> Columns:
    """As `read_series`. Raises `DatabaseFailure`, and `UsageError` for names that nothing stored
    has."""
    with checked(url, filters) as (connection, names):
        found = read_series(connection, filters, names, metrics)
        return settled(connection, found, is_abandoned)


@contextmanager
def list_newest(
    url: str, filters: Filters, metrics: Sequence[Metric], is_abandoned: "IsAbandoned"
) -> Iterator[Rows]:
    """Rows of the columns of `read_newest`, which are read while they are taken. Raises as above,
    before there is any."""
    with checked(url, filters) as (connection, names):
        batches = read_newest(connection, filters, names, metrics)
        settling = (settled(connection, batch, is_abandoned) for batch in batches)
        yield (row for batch in settling for row in zip(*batch.values(), strict=True))


@contextmanager
def checked(url: str, filters: Filters) -> Iterator[tuple[Connection, Names]]:
    """A connection that reads, once every name that is asked for is found to be there. Raises as
    `list_series`."""
    engine = open_for_reading(url)
    try:
        with database_errors(url), engine.connect() as connection:
            names = read_names(connection)
            check(filters, names)
            if filters.target is not None:
                targets = connection.execute(select(RUNS.c.target).distinct()).scalars().all()
                check_target(filters.target, targets)
            yield connection, names
    finally:
        engine.dispose()
