"""Runs: all of them, and each one's page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.bottlenecks import bar
from harness.report.site import addresses
from harness.report.site.facts import place_of, ratio, run_cell, seconds, short, size, started
from harness.report.site.rooflines import rooflines, terms
from harness.report.site.table import NOTHING, Cell, Table, number, said, told

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.bottleneck import Bottlenecks
    from harness.roofline.ceilings import Hardware
    from harness.roofline.label import Labelled
    from harness.store.circumstances import Process
    from harness.store.pairings import Pairing
    from harness.store.points import Measured
    from harness.store.reader import Failure, Run

Facts = Sequence[tuple[str, str]]

MOST_RUNS = 1000
"""Of the page that lists them, the newest ones."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """What could not be measured; `log`: what its launch wrote last."""

    case: Cell
    kind: str
    message: str
    where: str
    log: str | None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`plots`: what the page's script draws."""

    ceilings: Cell
    table: Table
    plots: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class RunPage:
    run: str
    status: Cell
    where: str
    facts: Facts
    environment: Facts
    failures: Sequence[Failed]
    verdicts: Sequence[Table]
    cases: Table
    skips: Table | None
    noise: Table
    limits: Limits | None


def runs_table(archive: "Archive") -> Table:
    runs = list(reversed(archive.runs.values()))
    more = len(runs) - MOST_RUNS
    return Table(
        name="runs",
        caption="Runs, the newest first",
        headers=(
            *("run", "began (UTC)", "status", "where", "suite", "measured", "failed", "skipped"),
            *("image", "commit", "tags"),
        ),
        rows=[_run_row(archive, run) for run in runs[:MOST_RUNS]],
        numbers=frozenset({5, 6, 7}),
        note=f"and {more:,} older ones: `jaxrig runs` lists them all" if more > 0 else "",
    )


def _run_row(archive: "Archive", run: "Run") -> tuple[Cell, ...]:
    return (
        run_cell(run),
        told(started(run)),
        said(run.status),
        told(place_of(archive, run)),
        told(run.suite),
        number(str(run.measurements), run.measurements),
        Cell(text=str(run.failures), sort=run.failures, kind="failed" if run.failures else None),
        number(str(run.skipped), run.skipped),
        told(short(run.image)),
        told(short(run.git_commit)),
        told(", ".join(f"{key}={value}" for key, value in run.tags.items())),
    )


def run_page(
    archive: "Archive",
    run: "Run",
    measured: Mapping[str, "Measured"],
    limits: "tuple[Bottlenecks, Hardware] | None",
) -> RunPage:
    """`measured`: by case, what the run measured."""
    processes = archive.processes.get(run.run, ())
    return RunPage(
        run=run.run,
        status=said(run.status),
        where=place_of(archive, run),
        facts=list(_facts(run)),
        environment=list(_environment(archive, processes)),
        failures=[_failed(each, processes) for each in archive.failures.get(run.run, ())],
        verdicts=[_verdicts(each) for each in archive.in_turns.get(run.run, ())],
        cases=_cases(measured),
        skips=_skips(archive, run),
        noise=_noise(processes),
        limits=None if limits is None else _limits(*limits),
    )


_NO_IMAGE = {"process": "none: plain processes", "container": "none: it could not begin"}
"""By how a run is isolated."""


def _facts(run: "Run") -> Iterator[tuple[str, str]]:
    yield "began", f"{quantity.moment(run.started_at)} UTC"
    if run.ended_at is not None:
        took_s = (run.ended_at - run.started_at).total_seconds()
        yield "took", quantity.duration(took_s)
    yield "suite", run.suite
    yield "launches planned", str(run.launches_planned)
    yield "image", run.image or _NO_IMAGE.get(run.isolation, "none")
    if run.git_commit is not None:
        yield "commit", run.git_commit + (" (with changes)" if run.git_dirty else "")
    if run.tags:
        yield "tags", ", ".join(f"{key}={value}" for key, value in run.tags.items())
    yield "jaxrig", run.jaxrig_version


def _environment(archive: "Archive", processes: Sequence["Process"]) -> Iterator[tuple[str, str]]:
    """What the launches said, where they said it; what differs between them several times."""
    said_once: dict[tuple[str, str], None] = {}
    for each in processes:
        facts = archive.environments.get(each.environment or 0, {})
        for name, value in facts.items():
            said_once[name.replace("_", " "), _words(value)] = None
    yield from said_once
    limits = processes[0].limits if processes else {}
    yield from ((f"limit: {name}", _words(value)) for name, value in limits.items())


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _failed(failure: "Failure", processes: Sequence["Process"]) -> Failed:
    logs = [each.log for each in processes if each.launch == failure.launch and each.log]
    case = failure.case
    return Failed(
        case=told("no single case") if case is None else told(case, addresses.of_case(case)),
        kind=failure.kind,
        message=failure.message,
        where="" if failure.launch is None else f"launch {failure.launch}",
        log="\n".join(logs) or None,
    )


def _verdicts(pairing: "Pairing") -> Table:
    return Table(
        name=f"turns-{pairing.base}",
        caption=f"Measured in turns with {pairing.base}",
        headers=("case", "metric", "verdict", "ratio", "low", "high", "pairs", "remarks"),
        rows=[
            (
                told(each.case, addresses.of_case(each.case)),
                told(each.metric),
                said(each.verdict),
                ratio(each.ratio),
                ratio(each.low),
                ratio(each.high),
                number(str(each.pairs), each.pairs),
                told("; ".join(each.remarks)),
            )
            for each in pairing.verdicts
        ],
        numbers=frozenset({3, 4, 5, 6}),
    )


def _cases(measured: Mapping[str, "Measured"]) -> Table:
    return Table(
        name="measured",
        caption="What it measured",
        headers=("case", "median", "launches", "spread", "compile time", "peak memory", "program"),
        rows=[
            (
                told(case, addresses.of_case(case)),
                seconds(each.median_s),
                told(", ".join(map(quantity.seconds, each.medians_s))),
                _spread(each),
                seconds(each.compile_time_s),
                size(each.peak_bytes),
                told(short(each.hlo)),
            )
            for case, each in measured.items()
        ],
        numbers=frozenset({1, 3, 4, 5}),
    )


def _spread(measured: "Measured") -> Cell:
    """Of the launches: from the fastest to the slowest, as a share of their median."""
    if len(measured.medians_s) < 2:
        return NOTHING
    share = (max(measured.medians_s) - min(measured.medians_s)) / measured.median_s
    return number(quantity.percent(share), share)


def _skips(archive: "Archive", run: "Run") -> Table | None:
    skips = dict.fromkeys((each.case, each.reason) for each in archive.skips.get(run.run, ()))
    if not skips:
        return None
    return Table(
        name="skipped",
        caption="Cases that could not run there",
        headers=("case", "why"),
        rows=[(told(case), told(reason)) for case, reason in skips],
    )


def _noise(processes: Sequence["Process"]) -> Table:
    names = list(dict.fromkeys(name for each in processes for name in each.noise))
    return Table(
        name="noise",
        caption="Launches, and what the machine did meanwhile",
        headers=("launch", "part", "status", "exit code", *(n.replace("_", " ") for n in names)),
        rows=[
            (
                number(str(each.launch), each.launch),
                number(str(each.part), each.part),
                said(each.status),
                told("" if each.exit_code is None else str(each.exit_code)),
                *(_measure(each.noise.get(name)) for name in names),
            )
            for each in processes
        ],
        numbers=frozenset(range(4 + len(names))) - {2},
    )


def _measure(value: Any) -> Cell:
    if isinstance(value, int | float):
        return number(f"{value:.4g}", float(value))
    return NOTHING if value is None else told(_words(value))


def _limits(labels: "Bottlenecks", machine: "Hardware") -> Limits:
    beaten = {each.case for each in labels.beaten}
    untold = f"; of {len(labels.untold)} cases nothing can be said" if labels.untold else ""
    return Limits(
        ceilings=told(labels.ceilings, addresses.of_run(labels.ceilings)),
        table=Table(
            name="labels",
            caption="Which limit binds each case",
            headers=("case", "label", "measured", "low", "high", "of ceiling", "MFU", "terms"),
            rows=[_label_row(each, each.case in beaten) for each in labels.labelled],
            numbers=frozenset({2, 3, 4, 5, 6}),
            note="terms: C compute, B bandwidth, d dispatch, L link, S storage, . none of them"
            + untold,
        ),
        plots=[*rooflines(labels.labelled, machine), terms(labels.labelled)],
    )


def _label_row(each: "Labelled", beaten: bool) -> tuple[Cell, ...]:
    share = each.fraction_of_ceiling
    return (
        told(each.case, addresses.of_case(each.case)),
        told(each.label + (" (beaten)" if beaten else "")),
        seconds(each.measured_s),
        seconds(each.bounds.low_s),
        seconds(each.bounds.high_s),
        number(quantity.percent(share), share),
        NOTHING if each.mfu is None else number(quantity.percent(each.mfu), each.mfu),
        Cell(text=bar(each), kind="bar"),
    )
