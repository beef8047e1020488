"""What was measured, run by run: the rows of `jaxrig history`."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from harness.report.series import moment
from harness.runner.abandoned import is_abandoned
from harness.store.abandoned import settled
from harness.store.filters import Filters, cases_meant
from harness.store.kinds import of_series
from harness.store.metrics import TIME
from harness.store.series import read_newest
from harness.web.answer import Answer, document
from harness.web.api.paging import page_of, window
from harness.web.api.schemas import of_columns, rows
from harness.web.choosing import FILTERS, filters_of
from harness.web.parameters import PAGING, Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

MOST_AT_ONCE = 512
"""Runs."""

_NAMES = tuple(of_series([TIME]))
_STARTED = _NAMES.index("started_at")


def history(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    offset, count = window(asked)
    found = list(islice(_rows(reading, filters, offset + count), offset, offset + count))
    shown, after = page_of(found, asked)
    return document([_told(row) for row in shown], after)


def _rows(reading: Reading, filters: Filters, wanted: int) -> Iterator[tuple[Any, ...]]:
    """The newest run's first. `wanted`: as many as will be taken; no more runs are read than these
    are likely to be of."""
    connection, names = reading.connection, reading.known.names
    cases = max(len(cases_meant(filters, names)), 1)
    first = min(-(-wanted // cases), MOST_AT_ONCE)
    for batch in read_newest(connection, filters, names, [TIME], first):
        columns = settled(connection, batch, is_abandoned)
        yield from zip(*columns.values(), strict=True)


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    told = dict(zip(_NAMES, row, strict=True))
    return told | {"started_at": moment(row[_STARTED])}


HISTORY = Resource(
    path="/api/history",
    text="medians over launches, a row a case and run, the newest run first",
    make=history,
    parameters=(*FILTERS, *PAGING),
    schema=rows(of_columns(of_series([TIME]))),
)
