"""Two runs, compared here as `jaxrig compare` does."""

import shlex

from harness.compare import Comparison
from harness.compared import compared
from harness.report.site.compared import ComparedPage, apart_page, in_turns_page
from harness.report.site.facts import place_of, started
from harness.report.site.live import Choice, Field, Form, Live
from harness.report.site.site import render
from harness.store.filters import Filters
from harness.store.overview import page_of_runs
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.pages.fields import written
from harness.web.parameters import Asked, text
from harness.web.resource import Judging, Resource
from harness.web.source import Reading

PATH = "compare.html"

MOST_NEAR = 50
"""Runs that are suggested, the newest."""

BASE = text("base", "a run's name or its beginning, KEY=VALUE, latest, or latest~N")
CANDIDATE = text("candidate", "likewise: is it slower than the base?")


def compare_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    base, candidate = asked["base"], asked["candidate"]
    told = None
    if base is not None and candidate is not None:
        told = _told(reading, base, candidate, judging)
    live = Live(form=_form(reading, asked))
    return page(render("compared", PATH, told, live))


def _told(reading: Reading, base: str, candidate: str, judging: Judging) -> ComparedPage:
    found = compared(reading.reader, base, candidate, judging.floor)
    if isinstance(found, Comparison):
        return apart_page(found, command_of(found))
    return in_turns_page(found)


def command_of(comparison: Comparison) -> str | None:
    """What would decide what is unclear."""
    return shlex.join(["jaxrig", *comparison.in_turns]) if comparison.in_turns else None


def _form(reading: Reading, asked: Asked) -> Form:
    return Form(
        action=PATH,
        label="Which runs are compared",
        fields=[
            Field(name=name, label=label, value=written(asked, name), hint="latest~1")
            for name, label in (("base", "Base"), ("candidate", "Candidate"))
        ],
        near=_near(reading),
    )


def _near(reading: Reading) -> list[Choice]:
    newest = page_of_runs(
        reading.connection,
        Filters(),
        reading.known.names,
        gone=reading.gone,
        limit=MOST_NEAR,
        offset=0,
    )
    archive = archives.of(reading, runs=archives.runs_at(reading, newest))
    return [
        Choice(value=run.run, text=f"{place_of(archive, run)}: {started(run)}, {run.suite}")
        for run in reversed(archive.runs.values())
    ]


COMPARE = Resource(
    path=f"/{PATH}", text="two runs", make=compare_page, parameters=(BASE, CANDIDATE)
)
