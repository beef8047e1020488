"""Since when cases take another time: on one machine by one target, some cases at a time."""

from collections.abc import Sequence
from dataclasses import replace

from harness.changes import Series, series_of_nights, series_of_runs
from harness.explained import explained_in
from harness.lives import read_columns
from harness.report.changes import changes_view
from harness.store.filters import Filters, cases_meant
from harness.web.answer import Answer, document
from harness.web.api.paging import cut, page_of
from harness.web.api.schemas import numbers, record, rows, texts
from harness.web.choosing import CASES, ISOLATION, MACHINE, TARGET, filters_of
from harness.web.parameters import PAGING, Asked, whole
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

CASES_OF_A_PAGE, MOST_CASES = 10, 100


def changes(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    filters, names = filters_of(asked), reading.known.names
    reading.known.check(filters)
    cases = sorted({names.cases[key] for key in cases_meant(filters, names)})
    looked_at, after = page_of(cut(cases, asked), asked)
    series = _series(reading, filters, looked_at, judging) if looked_at else []
    found = [each for one in series for each in one.changed()]
    shown = list(explained_in(reading.connection, reading.reader, found))
    return document(changes_view(series, shown).document, after)


def _series(
    reading: Reading, filters: Filters, cases: Sequence[str], judging: Judging
) -> list[Series]:
    """Of these cases, whole ones."""
    there = replace(filters, cases=cases)
    runs, nights = read_columns(reading.connection, there, reading.known.names)
    found = (*series_of_runs(runs, judging.floor), *series_of_nights(nights, judging.floor))
    return [each for each in found if each.where["case"] in cases]


_, _OFFSET = PAGING

CHANGES = Resource(
    path="/api/changes",
    text="changes of level, of the cases that limit and offset choose among those that match",
    make=changes,
    parameters=(
        replace(MACHINE, required=True),
        replace(TARGET, required=True),
        CASES,
        ISOLATION,
        whole("limit", "cases", default=CASES_OF_A_PAGE, least=1, most=MOST_CASES),
        _OFFSET,
    ),
    schema=rows(
        record(
            **texts("case", "machine", "machine_name", "target", "isolation", "unit"),
            **numbers("before", "after", "ratio", "low", "high"),
            provisional={"type": "boolean"},
            run={"type": "string"},
            started_at={"type": "string", "format": "date-time"},
            last_run={"type": "string"},
            differs={"type": "object"},
        )
    ),
)
