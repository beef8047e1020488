"""A run."""

from pathlib import PurePosixPath

from harness.report.site import addresses
from harness.report.site.runs import run_page
from harness.report.site.site import by_run, render
from harness.web import archives
from harness.web.answer import Answer, page
from harness.web.parameters import Asked
from harness.web.refused import not_there
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def one_run_page(reading: Reading, asked: Asked, judging: Judging) -> Answer:
    name = _name(reading, asked.path)
    archive = archives.of_run(reading, name)
    run = archive.runs.get(name)
    if run is None or addresses.of_run(name) != asked.path:
        raise not_there("no such run is stored")
    measured = by_run(archive).get(name, {})
    told = run_page(archive, run, measured, judging.labels.limits_of(reading, run))
    return page(render("run", asked.path, told))


def _name(reading: Reading, path: str) -> str:
    """What jaxrig named itself stands in the address."""
    return reading.known.strange_pages.get(path, PurePosixPath(path).stem)


RUN = Resource(path="/run/{name}.html", text="a run", make=one_run_page)
