"""A case: its series on one machine by one target, or where it ran last."""

from collections.abc import Sequence
from dataclasses import replace

from harness.archive import Archive
from harness.report.site.cases import case_page
from harness.report.site.live import Choice, Field, Form, Live
from harness.report.site.site import render
from harness.store.places import Place
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.choosing import MACHINE, TARGET, filters_of
from harness.web.pages.fields import machine_field, target_field, written
from harness.web.pages.where import places, told
from harness.web.parameters import Asked, switch
from harness.web.refused import not_there
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

MOST_PLACES = 12
"""Machines and targets of one page: each with its whole series, of a part of which other changes
would be found."""

LAST = Choice(value="", text="where it ran last")


def one_case_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    case = reading.known.case_pages.get(asked.path)
    if case is None:
        raise not_there("no such case is stored")
    filters = filters_of(asked)
    reading.known.check(filters)
    most = MOST_PLACES if asked["everywhere"] else 1
    shown = places(reading, replace(filters, cases=(case,)), most)
    archive = _archive(reading, case, shown, judging)
    told_page = case_page(archive, case, archive.series)
    live = Live(form=_form(archive, reading, asked), note=_note(reading, shown))
    return page(render("case", asked.path, told_page, live))


def _archive(reading: Reading, case: str, shown: Sequence[Place], judging: Judging) -> Archive:
    found = [archives.of_case(reading, case, each, judging) for each in shown]
    runs = {name: run for each in found for name, run in each.runs.items()}
    measured = [one for each in found for one in each.measured[case]]
    return archives.of(
        reading,
        runs=runs,
        measured={case: sorted(measured, key=lambda each: runs[each.run].started_at)},
        series=[series for each in found for series in each.series],
        changed=[changed for each in found for changed in each.changed],
    )


def _note(reading: Reading, shown: Sequence[Place]) -> str:
    if not shown:
        return "Not measured there."
    named = ", ".join(told(reading, place) for place in shown)
    cap = f"; of all places the last {MOST_PLACES}" if len(shown) == MOST_PLACES else ""
    return f"Shown: {named}{cap}."


def _form(archive: Archive, reading: Reading, asked: Asked) -> Form:
    known = reading.known
    choices = [
        Choice(value="", text="one machine and target"),
        Choice(value="true", text=f"the last {MOST_PLACES}"),
    ]
    everywhere = Field(
        name="everywhere", label="Shown", value=written(asked, "everywhere"), choices=choices
    )
    return Form(
        action=asked.path,
        label="Where it was measured",
        fields=[
            machine_field(archive, known, asked, LAST),
            target_field(known, asked, LAST),
            everywhere,
        ],
    )


CASE = Resource(
    path="/case/{name}.html",
    text="a case's history",
    make=one_case_page,
    parameters=(
        MACHINE,
        TARGET,
        switch("everywhere", f"on the {MOST_PLACES} machines and targets where it ran last"),
    ),
)
