"""What each command shows: domain objects in, a `View` out."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    import pandas as pd

    from harness.ab import CaseResult
    from harness.compare import CaseComparison, Comparison
    from harness.config import Settings
    from harness.doctor import Finding
    from harness.store.reader import Failure, Launch, MachineSummary, Run, Skip
    from workloads.catalog import Case


def runs_view(runs: Sequence["Run"]) -> View:
    """`jaxrig runs`."""
    documents = [asdict(run) for run in runs]
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
                run.target if run.isolation == "container" else f"{run.target} ({run.isolation})",
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
) -> View:
    """`jaxrig show` and the end of `jaxrig run`: a row a case, over all its launches."""
    records: list[dict[str, Any]] = [
        {str(name): _known(value) for name, value in record.items()}
        for record in measurements.to_dict("records")
    ]
    document = asdict(run) | {
        "measurements": records,
        "failures": [asdict(failure) for failure in failures],
        "launches": [asdict(launch) for launch in launches],
        "skips": [asdict(skip) for skip in skips],
    }
    return View(
        document=document,
        records=[{"run": run.run, **record} for record in records],
        headers=(
            "case",
            "launches",
            "median",
            "spread",
            "throughput",
            "compute",
            "traffic",
            "peak memory",
        ),
        rows=[_case_row(str(case), rows) for case, rows in measurements.groupby("case", sort=False)]
        if len(measurements)
        else [],
        notes=[
            _headline(run),
            *_warnings(measurements),
            *dict.fromkeys(f"skipped: {each.case}: {each.reason}" for each in skips),
            *(_failure(each) for each in failures),
        ],
    )


def _known(value: Any) -> Any:
    """None for what was not measured: where only some launches know a number, pandas writes NaN,
    which JSON does not have."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _case_row(case: str, rows: "pd.DataFrame") -> tuple[str, ...]:
    from harness.stats.launches import summarise

    summary = summarise(rows["median_s"].to_numpy())
    first = rows.iloc[0]
    peak = rows["peak_rss_bytes"].max()
    return (
        case,
        str(summary.launches),
        quantity.seconds(summary.median),
        quantity.percent(summary.spread) if summary.launches > 1 else "",
        _throughput(first, summary.median),
        _compute(first, summary.median),
        _traffic(first, summary.median),
        quantity.size(peak) if peak == peak and peak is not None else "",
    )


def _compute(first: "pd.Series[Any]", median_s: float) -> str:
    """FLOP in a second, where the case counts any."""
    flops = _known(first["flops"])
    return quantity.rate(flops / median_s, "FLOP/s") if flops else ""


def _throughput(first: "pd.Series[Any]", median_s: float) -> str:
    """Work done in a second, where the case counts it."""
    unit = _known(first["work_unit"])
    return quantity.rate(first["work_count"] / median_s, f"{unit}/s") if unit else ""


def _traffic(first: "pd.Series[Any]", median_s: float) -> str:
    """Bytes in a second, of memory, storage and link, whichever the case moves."""
    kinds = {"bytes": "", "storage_bytes": " storage", "link_bytes": " link"}
    return ", ".join(
        quantity.rate(first[name] / median_s, "B/s") + kind
        for name, kind in kinds.items()
        if _known(first[name])
    )


def _headline(run: "Run") -> str:
    where = f"{run.target} on {run.machine}"
    if run.isolation != "container":
        where += f", as a plain {run.isolation} (no container: no memory limit, host software)"
    return f"run {run.run}: {run.status}; {run.suite} suite of {where}"


def _warnings(measurements: "pd.DataFrame") -> list[str]:
    seen = dict.fromkeys(
        f"warning: {case}: {warning}"
        for case, warnings in zip(measurements["case"], measurements["warnings"], strict=True)
        for warning in warnings
    )
    return list(seen)


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


def cases_view(settings: "Settings", cases: Sequence["Case"]) -> View:
    """`jaxrig cases`."""
    from harness.plan import suites_of

    documents: list[dict[str, Any]] = [
        {
            "case": case.id,
            "workload": case.workload,
            "phase": case.phase,
            "dtype": case.dtype,
            "suites": list(suites_of(settings, case)),
            "flops": case.cost.flops,
            "bytes": case.cost.bytes,
            "intensity_flop_per_byte": case.cost.intensity,
            "storage_bytes": case.cost.storage_bytes,
            "link_bytes": case.cost.link_bytes,
            "work_unit": case.work.unit if case.work else None,
            "work_count": case.work.count if case.work else None,
            "memory_bytes": case.memory_bytes,
            "devices": case.devices,
            "platforms": list(case.platforms),
            "tolerance": case.tolerance,
            "parameters": dict(case.parameters),
        }
        for case in cases
    ]
    return View(
        document=documents,
        records=documents,
        headers=("case", "phase", "work", "FLOP", "bytes", "FLOP/byte", "suites"),
        rows=[
            (
                case.id,
                case.phase,
                f"{case.work.count:g} {case.work.unit}" if case.work else "",
                quantity.rate(case.cost.flops, "FLOP"),
                quantity.size(case.cost.bytes),
                "" if case.cost.intensity is None else f"{case.cost.intensity:.2f}",
                ", ".join(suites_of(settings, case)),
            )
            for case in cases
        ],
    )


def targets_view(settings: "Settings") -> View:
    """`jaxrig targets`."""
    documents = [
        {"name": name, **target.model_dump(mode="json")}
        for name, target in settings.targets.items()
    ]
    return View(
        document=documents,
        records=documents,
        headers=("target", "platform", "dockerfile", "gpus", "cpus", "memory"),
        rows=[
            (
                name,
                target.platform,
                str(target.dockerfile),
                "yes" if target.gpus else "no",
                target.cpus or "all",
                quantity.size(target.memory) if target.memory else "90 % of the machine's",
            )
            for name, target in settings.targets.items()
        ],
    )


def machines_view(machines: Sequence["MachineSummary"]) -> View:
    """`jaxrig machines`."""
    documents = [asdict(machine) for machine in machines]
    return View(
        document=documents,
        records=documents,
        headers=("name", "machine", "CPU", "cores", "threads", "memory", "GPUs", "runs"),
        rows=[
            (
                each.name,
                each.machine,
                each.facts["cpu_model"],
                str(each.facts["cores"]),
                str(each.facts["threads"]),
                f"{each.facts['memory_gib']} GiB",
                ", ".join(gpu["model"] for gpu in each.facts["gpus"]) or "none",
                str(each.runs),
            )
            for each in machines
        ],
    )


def comparison_view(comparison: "Comparison") -> View:
    """`jaxrig compare`."""
    cases = [_comparison_record(case) for case in comparison.cases]
    warnings = dict.fromkeys(
        warning for case in comparison.cases if case.ratio for warning in case.ratio.warnings
    )
    return View(
        document={
            "base": comparison.base,
            "candidate": comparison.candidate,
            "differences": list(comparison.differences),
            "cases": cases,
            "verdict": comparison.verdict,
        },
        records=cases,
        headers=("case", "base", "candidate", "ratio", "range", "verdict", "remarks"),
        rows=[_comparison_row(case) for case in comparison.cases],
        notes=[
            f"{comparison.candidate} over {comparison.base}; above 1 the candidate takes longer",
            *(f"these runs differ in {difference}" for difference in comparison.differences),
            *warnings,
        ],
    )


def _comparison_record(case: "CaseComparison") -> dict[str, Any]:
    ratio = case.ratio
    return {
        "case": case.case,
        "metric": case.metric,
        "presence": case.presence,
        "base_median_s": case.base_median_s,
        "candidate_median_s": case.candidate_median_s,
        "ratio": ratio.ratio if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "coverage": ratio.coverage if ratio else None,
        "verdict": case.verdict,
        "pairs": 0,  # launches measured in turns: none, these runs were measured apart
        "differences": list(case.differences),
        "warnings": list(ratio.warnings) if ratio else [],
    }


def _comparison_row(case: "CaseComparison") -> tuple[str, ...]:
    base, candidate, ratio = case.base_median_s, case.candidate_median_s, case.ratio
    remarks = [] if case.presence == "both" else [f"case {case.presence}"]
    return (
        case.case,
        quantity.seconds(base) if base is not None else "",
        quantity.seconds(candidate) if candidate is not None else "",
        f"{ratio.ratio:.3f}" if ratio else "",
        f"{ratio.low:.3f} … {ratio.high:.3f}" if ratio else "",
        case.verdict if ratio else "",
        "; ".join([*remarks, *case.differences]),
    )


def ab_view(base: str, candidate: str, results: Sequence["CaseResult"], verdict: str) -> View:
    """`jaxrig ab`."""
    documents = [asdict(result) for result in results]
    return View(
        document={
            "base": base,
            "candidate": candidate,
            "cases": documents,
            "verdict": verdict,
        },
        records=documents,
        headers=(
            "case",
            "metric",
            "base",
            "ratio",
            "interval",
            "effect",
            "pairs",
            "verdict",
            "remarks",
        ),
        rows=[_ab_row(result) for result in results],
        notes=[f"{candidate} over {base}; above 1 the candidate takes longer"],
    )


def _ab_row(result: "CaseResult") -> tuple[str, ...]:
    interval = "" if result.low is None else f"{result.low:.3f} … {result.high:.3f}"
    in_unit = quantity.seconds if result.unit == "s" else quantity.size
    effect = result.effect
    sign = "" if effect is None else "+" if effect >= 0 else "-"
    return (
        result.case,
        result.metric.replace("_", " "),
        "" if result.base is None else in_unit(result.base),
        "" if result.ratio is None else f"{result.ratio:.3f}",
        interval,
        "" if effect is None else f"{sign}{in_unit(abs(effect))}",
        str(result.pairs),
        result.verdict,
        "; ".join(result.remarks),
    )


def doctor_view(findings: Sequence["Finding"]) -> View:
    """`jaxrig doctor`."""
    documents = [asdict(finding) for finding in findings]
    return View(
        document=documents,
        records=documents,
        headers=("", "check", "found", "how to mend it"),
        rows=[(each.status, each.check, each.found, each.mend) for each in findings],
    )
