"""Runs, and what one of them measured."""

from harness.report.runs import run_document, runs_document
from harness.store.overview import page_of_runs
from harness.store.reader import Failure, Launch, Run, Skip
from harness.web import archives
from harness.web.answer import Answer, document
from harness.web.api.paging import page_of, window
from harness.web.api.schemas import numbers, of_class, record, rows, texts, with_more
from harness.web.choosing import FILTERS, STATUS, filters_of
from harness.web.parameters import PAGING, Asked, switch
from harness.web.resource import Judging, Resource
from harness.web.source import Reading


def runs(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    filters = filters_of(asked)
    reading.known.check(filters)
    offset, limit = window(asked)
    found = page_of_runs(
        reading.connection,
        filters,
        reading.known.names,
        gone=reading.gone,
        limit=limit,
        offset=offset,
    )
    shown, after = page_of(found, asked)
    in_order = reversed(archives.runs_at(reading, shown).values())
    return document(runs_document(list(in_order)), after)


def run(reading: Reading, asked: Asked, _judging: Judging) -> Answer:
    reader = reading.reader
    found = reader.run(asked["run"])
    return document(
        run_document(
            found,
            reader.records(found.run, samples=asked["samples"]),
            reader.failures(found.run) if found.failures else [],
            reader.launches(found.run),
            reader.skips(found.run) if found.skipped else [],
            reader.pairings(found.run) if reading.known.any_pairings else [],
        )
    )


_RUN = of_class(Run)
_MEASUREMENT = record(
    launch={"type": "integer"},
    part={"type": "integer"},
    case={"type": "string"},
    median_s={"type": "number"},
    **texts("workload", "phase", "dtype", "hlo_sha256", "work_unit"),
    **numbers("flops", "bytes", "compile_s"),
)

RUNS = Resource(
    path="/api/runs",
    text="runs, the newest first",
    make=runs,
    parameters=(*FILTERS, STATUS, *PAGING),
    schema=rows(_RUN),
)
RUN = Resource(
    path="/api/runs/{run}",
    text="a run with what it measured: its name or its beginning, KEY=VALUE, latest, or latest~N",
    make=run,
    parameters=(switch("samples", "with every sample"),),
    schema=with_more(
        _RUN,
        measurements=rows(_MEASUREMENT),
        failures=rows(of_class(Failure)),
        launches=rows(of_class(Launch)),
        skips=rows(of_class(Skip)),
        pairings=rows({"type": "object"}),
    ),
)
