"""Machines that have results."""

from dataclasses import asdict

from harness.store.reader import MachineSummary
from harness.web.answer import Answer, document
from harness.web.api.paging import cut, page_of
from harness.web.api.schemas import of_class, rows
from harness.web.parameters import PAGING, Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def machines(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    shown, after = page_of(cut(reading.known.machines, asked), asked)
    return document([asdict(each) for each in shown], after)


ALL_MACHINES = Resource(
    path="/api/machines",
    text="machines, the first seen first",
    make=machines,
    parameters=PAGING,
    schema=rows(of_class(MachineSummary)),
)
