"""Runs, page by page."""

from harness.archive import Archive
from harness.report.site.live import Form, Live
from harness.report.site.runs import runs_table
from harness.report.site.site import render
from harness.store.overview import page_of_runs
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.choosing import CASES, MACHINE, SINCE, STATUS, SUITE, TARGET, UNTIL, filters_of
from harness.web.pages.fields import (
    machine_field,
    status_field,
    suite_field,
    target_field,
    text_field,
)
from harness.web.pages.paging import PAGE, pager, rows_before
from harness.web.parameters import Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

PATH = "runs.html"
SIZE = 100


def runs_page(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    found = page_of_runs(
        reading.connection,
        filters,
        reading.known.names,
        gone=reading.gone,
        limit=SIZE + 1,
        offset=rows_before(asked, SIZE),
    )
    shown = found[:SIZE]
    archive = archives.of(reading, runs=archives.runs_at(reading, shown))
    live = Live(
        form=_form(archive, reading, asked),
        pager=pager(asked, SIZE, len(shown), more=len(found) > SIZE),
    )
    return page(render("runs", PATH, runs_table(archive), live))


def _form(archive: Archive, reading: Reading, asked: Asked) -> Form:
    known = reading.known
    return Form(
        action=PATH,
        label="Which runs are shown",
        fields=[
            machine_field(archive, known, asked),
            target_field(known, asked),
            status_field(asked),
            suite_field(known, asked),
            text_field(asked, "case", "Case", "that measured it"),
            text_field(asked, "since", "Since", "30d, 2026-01-31"),
            text_field(asked, "until", "Until", "2026-02-28"),
        ],
    )


ALL_RUNS = Resource(
    path=f"/{PATH}",
    text="runs, the newest first",
    make=runs_page,
    parameters=(MACHINE, TARGET, STATUS, SUITE, CASES, SINCE, UNTIL, PAGE),
)
