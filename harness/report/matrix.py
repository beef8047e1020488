"""Several targets in one `jaxrig run`: a table of targets × cases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.saying import said_once
from harness.report.view import View

if TYPE_CHECKING:
    import pandas as pd

    from harness.stats.launches import LaunchSummary
    from harness.store.reader import Failure, Run, Skip


def matrix_view(
    runs: Sequence["Run"],
    measurements: Sequence["pd.DataFrame"],
    failures: Sequence[Sequence["Failure"]],
    skips: Sequence[Sequence["Skip"]],
) -> View:
    """A run of each target, the first of which that measured anything is what the others are held
    against; `measurements`, `failures` and `skips` of each."""
    cells = [_summaries(each) for each in measurements]
    told = [place for place, each in enumerate(cells) if each]
    first = told[0] if told else 0
    cases = list(dict.fromkeys(case for each in cells for case in each))
    records = [
        _record(case, run, each.get(case), cells[first].get(case))
        for case in cases
        for run, each in zip(runs, cells, strict=True)
    ]
    return View(
        document={
            "runs": [_run(run, failed) for run, failed in zip(runs, failures, strict=True)],
            "cases": [
                {"case": case, "targets": [_without_case(x) for x in records if x["case"] == case]}
                for case in cases
            ],
        },
        records=records,
        headers=("case", *(run.target for run in runs)),
        rows=[
            (
                case,
                *_row(
                    [each.get(case) for each in cells],
                    [_absent(case, *both) for both in zip(failures, skips, strict=True)],
                    first,
                ),
            )
            for case in cases
        ],
        preface=[f"{run.target}: run {run.run}, {run.status}" for run in runs],
        notes=[
            *_reading([runs[place].target for place in told]),
            *_notes(runs, failures, skips),
        ],
        fitting=Fitting(names=0, essential=3),
    )


def _summaries(measurements: "pd.DataFrame") -> dict[str, "LaunchSummary"]:
    from harness.stats.launches import summarise

    if measurements.empty:
        return {}
    return {
        str(case): summarise(rows["median_s"].to_numpy())
        for case, rows in measurements.groupby("case", sort=False)
    }


def _run(run: "Run", failures: Sequence["Failure"]) -> dict[str, Any]:
    return {
        "run": run.run,
        "target": run.target,
        "status": run.status,
        "failures": [
            {"case": each.case, "kind": each.kind, "message": each.message} for each in failures
        ],
    }


def _record(
    case: str, run: "Run", found: "LaunchSummary | None", first: "LaunchSummary | None"
) -> dict[str, Any]:
    return {
        "case": case,
        "target": run.target,
        "run": run.run,
        "median_s": None if found is None else found.median,
        "spread": None if found is None or found.launches < 2 else found.spread,
        "launches": 0 if found is None else found.launches,
        "ratio": _ratio(found, first),
    }


def _without_case(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "case"}


def _ratio(found: "LaunchSummary | None", first: "LaunchSummary | None") -> float | None:
    return None if found is None or first is None else float(found.median / first.median)


def _absent(case: str, failures: Sequence["Failure"], skips: Sequence["Skip"]) -> str:
    """What became of a case that has no time; the notes say why."""
    if any(each.case in (None, case) for each in failures):
        return "failed"
    return "skipped" if any(each.case == case for each in skips) else ""


def _row(
    found: Sequence["LaunchSummary | None"], absent: Sequence[str], first: int
) -> Iterator[str]:
    """`1.20 ms`, and of others than the first `1.20 ms ×0.976`; else what became of it."""
    for place, each in enumerate(found):
        ratio = None if place == first else _ratio(each, found[first])
        median = absent[place] if each is None else quantity.seconds(each.median)
        yield median if ratio is None else f"{median} ×{ratio:.3f}"


def _reading(targets: Sequence[str]) -> Iterator[str]:
    """How the ratios are meant, of the targets that measured anything."""
    if len(targets) > 1:
        first, second = targets[:2]
        would = f"`jaxrig ab {first} {second}` would judge"
        yield f"×1.1 takes 1.1 times as long as on {first}; {would}"


def _notes(
    runs: Sequence["Run"],
    failures: Sequence[Sequence["Failure"]],
    skips: Sequence[Sequence["Skip"]],
) -> Iterator[str]:
    for run, failed, skipped in zip(runs, failures, skips, strict=True):
        for each in failed:
            reason = each.message.partition("\n")[0]
            yield f"{run.target}: FAILED {_what(each)} ({each.kind}): {reason}"
        yield from said_once(
            f"{run.target}: skipped", ((each.case, each.reason) for each in skipped)
        )


def _what(failure: "Failure") -> str:
    return failure.case or ("to begin" if failure.launch is None else "a launch")
