"""The first page."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from harness.archive import Archive
from harness.report.site.live import Form, Live
from harness.report.site.overview import (
    MOST_NIGHTS,
    Overview,
    answer,
    answer_as_kept,
    latest_table,
    limits_table,
    relative_table,
)
from harness.report.site.regressions import regressions_table
from harness.report.site.site import render
from harness.store.counts import read_counts
from harness.store.filters import Filters
from harness.store.medians import read_medians
from harness.store.places import last_nights, newest_by_place
from harness.store.reader import Run
from harness.store.tables import RUNS
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.choosing import MACHINE, TARGET, filters_of
from harness.web.pages.cases import table_of
from harness.web.pages.fields import machine_field, target_field
from harness.web.parameters import Asked
from harness.web.regressions import Slower
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

if TYPE_CHECKING:
    from harness.bottleneck import Bottlenecks

PATH = "index.html"

MOST_PLACES = 100
MOST_COMPARED = 100
"""Runs of whose verdicts in turns it tells, beside those of the newest ones."""

MOST_LABELLED = 8
"""Runs whose limits it tells: they take longer than all else."""

MOST_CASES = 25


def overview_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    newest = newest_by_place(reading.connection, filters, reading.known.names)
    shown = newest[:MOST_PLACES]
    slower = judging.regressions.of(reading, filters)
    archive = _archive(reading, filters, shown, slower)
    more = len(newest) - len(shown)
    note = f"and {more:,} more: choose a machine or a target; " if more else ""
    told = Overview(
        answer=answer(archive) if slower.series is not None else answer_as_kept(archive),
        regressions=regressions_table(archive, _known(reading, archive)),
        latest=latest_table(archive, note),
        limits=limits_table(archive, _labels_of(reading, judging)),
        machines=relative_table(archive, _medians(reading, shown), sign="?"),
        counts=list(_counts(reading)),
        cases=table_of(reading, archive, filters, MOST_CASES),
    )
    note = AS_KEPT if slower.series is None else ""
    live = Live(form=_form(archive, reading, asked), note=note)
    return page(render("overview", PATH, told, live))


AS_KEPT = (
    "Regressions are those that `jaxrig regressions announce` kept; a case's page looks for "
    "changes anew."
)


def _archive(
    reading: Reading, filters: Filters, newest: Collection[int], slower: Slower
) -> Archive:
    """The newest runs, and what was compared in turns in the same places."""
    connection, names = reading.connection, reading.known.names
    nights = last_nights(connection, filters, names, each=MOST_NIGHTS, most=MOST_COMPARED)
    runs = archives.runs_at(reading, newest)
    places = {_place(run) for run in runs.values()}
    others = archives.runs_at(reading, {*nights} - {*newest})
    runs |= {name: run for name, run in others.items() if _place(run) in places}
    return archives.of(
        reading,
        runs=dict(sorted(runs.items(), key=lambda item: item[1].started_at)),
        pairings=archives.pairings_at(reading, {*newest, *nights}),
        regressions=slower.found,
        series=slower.series or (),
        changed=slower.changed,
    )


def _place(run: Run) -> tuple[str, str, str]:
    return run.machine, run.target, run.isolation


def _known(reading: Reading, archive: Archive) -> set[str]:
    """Of the runs that began regressions, those that are there still."""
    began = {each.run for each in archive.open}
    query = select(RUNS.c.name).where(RUNS.c.name.in_(began))
    return set(reading.connection.execute(query).scalars())


def _labels_of(reading: Reading, judging: Judging) -> "Callable[[Run], Bottlenecks | None]":
    """Of so many runs that have ceilings."""
    left = MOST_LABELLED

    def labels(run: Run) -> "Bottlenecks | None":
        nonlocal left
        found = judging.labels.limits_of(reading, run) if left else None
        left -= found is not None
        return None if found is None else found[0]

    return labels


def _medians(reading: Reading, ids: Collection[int]) -> Mapping[str, Mapping[str, float]]:
    """By run and case."""
    found: dict[str, dict[str, float]] = {}
    runs, cases = reading.runs(ids), reading.known.names.cases
    for case, run, median_s in read_medians(reading.connection, list(runs)):
        found.setdefault(runs[run].run, {})[cases[case]] = median_s
    return found


def _counts(reading: Reading) -> Iterator[tuple[str, str]]:
    counts, known = read_counts(reading.connection), reading.known
    machines = {known.counts_as[each.machine] for each in known.machines if each.runs}
    yield "runs", f"{counts.runs:,}"
    yield "measurements", f"{counts.measurements:,}"
    yield "cases", f"{len(known.cases):,}"
    yield "machines", f"{len(machines):,}"
    yield "targets", f"{len(known.targets):,}"
    for what, moment in (("from", counts.first), ("to", counts.last)):
        if moment is not None:
            yield what, f"{moment:%Y-%m-%d %H:%M}"


def _form(archive: Archive, reading: Reading, asked: Asked) -> Form:
    known = reading.known
    return Form(
        action=PATH,
        label="Which runs are shown",
        fields=[machine_field(archive, known, asked), target_field(known, asked)],
    )


OVERVIEW = Resource(
    path=f"/{PATH}", text="what is slower", make=overview_page, parameters=(MACHINE, TARGET)
)
