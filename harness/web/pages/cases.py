"""Cases, each with a line of its history where there was a run last."""

from collections.abc import Sequence

from harness.archive import Archive
from harness.report.site.cases import lines_table
from harness.report.site.live import Choice, Form, Live
from harness.report.site.site import render
from harness.report.site.table import Table
from harness.store.filters import Filters, cases_meant
from harness.store.medians import read_measured_cases
from harness.store.places import Place
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.choosing import CASES, MACHINE, TARGET, filters_of
from harness.web.lines import MOST_RUNS, lines_of
from harness.web.pages.fields import machine_field, target_field, text_field
from harness.web.pages.paging import PAGE, pager, rows_before
from harness.web.pages.where import places, told
from harness.web.parameters import Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

PATH = "cases.html"
SIZE = 50

NEWEST = Choice(value="", text="where there was a run last")


def cases_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    slower = judging.regressions.of(reading, Filters())
    archive = archives.of(reading, regressions=slower.found)
    place = next(iter(places(reading, filters)), None)
    cases = _measured(reading, filters, place)
    before = rows_before(asked, SIZE)
    shown = cases[before : before + SIZE]
    live = Live(
        form=_form(archive, reading, asked),
        pager=pager(asked, SIZE, len(shown), more=before + SIZE < len(cases)),
    )
    return page(render("cases", PATH, _table(reading, archive, place, shown), live))


def table_of(reading: Reading, archive: Archive, filters: Filters, most: int) -> Table:
    """The first cases, those that are slower before all others."""
    place = next(iter(places(reading, filters)), None)
    cases = _measured(reading, filters, place)
    slower = {each.where["case"] for each in archive.open}
    chosen = sorted(cases, key=lambda case: (case not in slower, case))[:most]
    return _table(reading, archive, place, sorted(chosen))


def _measured(reading: Reading, filters: Filters, place: Place | None) -> Sequence[str]:
    """Names of the cases that the newest runs there measured, in order."""
    if place is None:
        return ()
    newest = reading.runs_there(place)[-MOST_RUNS:]
    names = reading.known.names
    meant = cases_meant(filters, names) & read_measured_cases(reading.connection, newest)
    return sorted({names.cases[key] for key in meant})


def _table(reading: Reading, archive: Archive, place: Place | None, cases: Sequence[str]) -> Table:
    if place is None:
        return lines_table(archive, {}, caption="Cases", asked=())
    found = lines_of(reading, place, cases) if cases else {}
    return lines_table(
        archive,
        {case: found.get(case) for case in cases},
        caption=f"Cases: {told(reading, place)}, the last {MOST_RUNS} runs at most",
        asked=[("machine", place.machine), ("target", place.target)],
    )


def _form(archive: Archive, reading: Reading, asked: Asked) -> Form:
    known = reading.known
    return Form(
        action=PATH,
        label="Which cases are shown",
        fields=[
            text_field(asked, "case", "Case", "a name, or a glob"),
            machine_field(archive, known, asked, NEWEST),
            target_field(known, asked, NEWEST),
        ],
    )


ALL_CASES = Resource(
    path=f"/{PATH}",
    text="cases with their history",
    make=cases_page,
    parameters=(CASES, MACHINE, TARGET, PAGE),
)
