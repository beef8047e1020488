"""Machines side by side, some at a time, and what each can do at most."""

from functools import partial

from harness.archive import Archive
from harness.report.site.live import Form, Live
from harness.report.site.machines import machines_page
from harness.report.site.site import render
from harness.store.filters import machines_named
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.choosing import MACHINE, filters_of
from harness.web.pages.fields import machine_field
from harness.web.pages.paging import PAGE, pager, rows_before
from harness.web.parameters import Asked
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

PATH = "machines.html"
SIZE = 12


def all_machines_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    names = reading.known.names
    meant = None if filters.machine is None else machines_named(filters.machine, names)
    chosen = {
        names.machines[key].fingerprint for key in names.machines if meant is None or key in meant
    }
    machines = [x for x in reading.known.machines if x.runs and x.machine in chosen]
    before = rows_before(asked, SIZE)
    shown = machines[before : before + SIZE]
    archive = _archive(reading, {each.machine for each in shown})
    told = machines_page(archive, partial(judging.labels.ceilings_of, reading), shown)
    live = Live(
        form=_form(archive, reading, asked),
        pager=pager(asked, SIZE, len(shown), more=before + SIZE < len(machines)),
    )
    return page(render("machines", PATH, told, live))


def _archive(reading: Reading, machines: set[str]) -> Archive:
    """With the runs of ceilings there, the one that began first first."""
    roots = {reading.known.counts_as[each] for each in machines}
    runs = {x.run: x for x in reversed(reading.known.ceilings) if x.machine in roots}
    return archives.of(reading, runs=runs)


def _form(archive: Archive, reading: Reading, asked: Asked) -> Form:
    return Form(
        action=PATH,
        label="Which machines are shown",
        fields=[machine_field(archive, reading.known, asked)],
    )


ALL_MACHINES = Resource(
    path=f"/{PATH}",
    text="machines and their ceilings",
    make=all_machines_page,
    parameters=(MACHINE, PAGE),
)
