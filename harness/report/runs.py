"""What `jaxrig runs` and `show` show: domain objects in, a `View` out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.saying import said_once
from harness.report.series import target_of
from harness.report.view import View
from harness.told import told

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.pairings import Pairing
    from harness.store.reader import Failure, Launch, Run, Skip


def runs_document(runs: Sequence["Run"]) -> list[dict[str, Any]]:
    return [dict(vars(run)) for run in runs]  # nothing in it has to be copied, as `asdict` does


def runs_view(runs: Sequence["Run"]) -> View:
    """`jaxrig runs`."""
    documents = runs_document(runs)
    return View(
        document=documents,
        records=documents,
        headers=(
            "run",
            "started (UTC)",
            "status",
            "target",
            "suite",
            "machine",
            "measured",
            "failed",
        ),
        rows=[
            (
                run.run,
                quantity.moment(run.started_at),
                run.status,
                target_of(run.target, run.isolation),
                run.suite,
                run.machine,
                str(run.measurements),
                str(run.failures),
            )
            for run in runs
        ],
    )


def run_view(
    run: "Run",
    measurements: "pd.DataFrame",
    failures: Sequence["Failure"],
    launches: Sequence["Launch"],
    skips: Sequence["Skip"],
    pairings: Sequence["Pairing"] = (),
) -> View:
    """`jaxrig show` and the end of `jaxrig run`: how it ended, what was said of it in turns, and a
    row a case, over all its launches."""
    records: list[dict[str, Any]] = [
        {str(name): told(value) for name, value in record.items()}
        for record in measurements.to_dict("records")
    ]
    return View(
        document=run_document(run, records, failures, launches, skips, pairings),
        records=[{"run": run.run, **record} for record in records],
        headers=(
            "case",
            "median",
            "spread",
            "throughput",
            "compute",
            "peak memory",
            "traffic",
            "launches",
        ),
        rows=[_case_row(str(case), rows) for case, rows in measurements.groupby("case", sort=False)]
        if len(measurements)
        else [],
        preface=[
            *(line for each in pairings for line in _in_turns(run, each)),
            *_headlines(run, len(set(measurements["case"]))),
        ],
        notes=[
            *_warnings(measurements),
            *said_once("skipped", ((each.case, each.reason) for each in skips)),
            *(_failure(each) for each in failures),
        ],
        fitting=Fitting(names=0, essential=3),
    )


def run_document(
    run: "Run",
    measurements: Sequence[Mapping[str, Any]],
    failures: Sequence["Failure"],
    launches: Sequence["Launch"],
    skips: Sequence["Skip"],
    pairings: Sequence["Pairing"],
) -> dict[str, Any]:
    """`measurements`: a row a case and launch."""
    return asdict(run) | {
        "measurements": measurements,
        "failures": [asdict(failure) for failure in failures],
        "launches": [asdict(launch) for launch in launches],
        "skips": [asdict(skip) for skip in skips],
        "pairings": [asdict(pairing) for pairing in pairings],
    }


def _case_row(case: str, rows: "pd.DataFrame") -> tuple[str, ...]:
    from harness.stats.launches import summarise

    summary = summarise(rows["median_s"].to_numpy())
    first = rows.iloc[0]
    peak = rows["peak_rss_bytes"].max()
    return (
        case,
        quantity.seconds(summary.median),
        quantity.percent(summary.spread) if summary.launches > 1 else "",
        _throughput(first, summary.median),
        _compute(first, summary.median),
        quantity.size(peak) if peak == peak and peak is not None else "",
        _traffic(first, summary.median),
        str(summary.launches),
    )


def _compute(first: "pd.Series[Any]", median_s: float) -> str:
    """FLOP in a second, where the case counts any."""
    flops = told(first["flops"])
    return quantity.rate(flops / median_s, "FLOP/s") if flops else ""


def _throughput(first: "pd.Series[Any]", median_s: float) -> str:
    """Work done in a second, where the case counts it."""
    unit = told(first["work_unit"])
    return quantity.rate(first["work_count"] / median_s, f"{unit}/s") if unit else ""


def _traffic(first: "pd.Series[Any]", median_s: float) -> str:
    """Bytes in a second, of memory, storage and link, whichever the case moves."""
    kinds = {"bytes": "", "storage_bytes": " storage", "link_bytes": " link"}
    return ", ".join(
        quantity.rate(first[name] / median_s, "B/s") + kind
        for name, kind in kinds.items()
        if told(first[name])
    )


def _headlines(run: "Run", cases: int) -> Iterator[str]:
    yield f"{run.status}: run {run.run}, {run.suite} suite of {run.target} on {run.machine}"
    if run.isolation != "container":
        yield f"as a plain {run.isolation} (no container: no memory limit, host software)"
    told = f"{cases} case(s) measured, {run.launches_planned} launch(es) planned"
    yield told + (f", {run.failures} failure(s)" if run.failures else "")


def _in_turns(run: "Run", pairing: "Pairing") -> Iterator[str]:
    from harness.ab import CaseResult, overall

    other = pairing.candidate if pairing.base == run.run else pairing.base
    role = "candidate" if pairing.candidate == run.run else "base"
    said = "no verdict"
    if pairing.verdicts:
        said = overall([CaseResult(**asdict(verdict)) for verdict in pairing.verdicts])
    yield f"{said}: the {role}, measured in turns with {other}"
    slower = ", ".join(f"{each.case} ({each.metric})" for each in pairing.slower)
    which = f"slower are {slower}; " if slower else ""
    yield f"{which}see `jaxrig compare {pairing.base} {pairing.candidate}`"


def _warnings(measurements: "pd.DataFrame") -> list[str]:
    cases, warnings = measurements["case"], measurements["warnings"]
    of_each = zip(cases, warnings, strict=True)
    return said_once("warning", ((str(case), said) for case, each in of_each for said in each))


def _failure(failure: "Failure") -> str:
    where = f", launch {failure.launch}" if failure.launch is not None else ""
    return f"FAILED: {failure.case or 'no single case'} ({failure.kind}{where}): {failure.message}"


def log_view(launches: Sequence["Launch"]) -> View:
    """`jaxrig show --log`: what each container process wrote to stderr, its end."""
    documents = [
        {"launch": each.launch, "part": each.part, "status": each.status, "log": each.log}
        for each in launches
    ]
    return View(
        document=documents,
        records=documents,
        headers=("launch", "part", "status", "exit code"),
        rows=[(str(x.launch), str(x.part), x.status, str(x.exit_code)) for x in launches],
        notes=[f"--- launch {x.launch}, part {x.part}:\n{x.log or '(empty)'}" for x in launches],
    )
