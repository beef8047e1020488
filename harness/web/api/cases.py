"""Cases that are stored."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from harness.report.site import addresses
from harness.store.filters import cases_meant
from harness.store.models import CaseRow
from harness.web.answer import Answer, document
from harness.web.api.paging import cut, page_of
from harness.web.api.schemas import record, rows, texts
from harness.web.choosing import CASES, filters_of
from harness.web.parameters import PAGING, Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def cases(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    filters, names = filters_of(asked), reading.known.names
    reading.known.check(filters)
    meant = sorted({names.cases[key] for key in cases_meant(filters, names)})
    shown, after = page_of(cut(meant, asked), asked)
    return document(_told(reading.connection, shown), after)


def _told(connection: Connection, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each as it was defined last."""
    row = CaseRow
    query = (
        select(row.name, row.workload, row.phase, row.dtype, row.parameters)
        .where(row.name.in_(names))
        .order_by(row.id)
    )
    found = {each.name: each for each in connection.execute(query)}
    return [
        {
            "case": name,
            "workload": found[name].workload,
            "phase": found[name].phase,
            "dtype": found[name].dtype,
            "parameters": found[name].parameters,
            "page": addresses.of_case(name),
        }
        for name in names
    ]


ALL_CASES = Resource(
    path="/api/cases",
    text="cases, in order; page: where its history is, from the site's root",
    make=cases,
    parameters=(CASES, *PAGING),
    schema=rows(
        record(
            case={"type": "string"},
            workload={"type": "string"},
            **texts("phase", "dtype"),
            parameters={"type": "object"},
            page={"type": "string"},
        )
    ),
)
