"""What was found in turns: `jaxrig ab`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.saying import said_once
from harness.report.view import View

if TYPE_CHECKING:
    from harness.ab import CaseResult

_TIME = "time"
"""The metric that goes without saying."""


def ab_view(
    runs: tuple[str, str],
    results: Sequence["CaseResult"],
    verdict: str,
    *,
    sides: tuple[str, str] | None = None,
    notes: Sequence[str] = (),
) -> View:
    """`jaxrig ab`: of base and candidate, the runs' names and (where it is known) what was asked
    for. The verdict comes first."""
    documents = [asdict(result) for result in results]
    return View(
        document={
            "base": runs[0],
            "candidate": runs[1],
            "base_side": sides and sides[0],
            "candidate_side": sides and sides[1],
            "cases": documents,
            "verdict": verdict,
        },
        records=documents,
        headers=("case", "metric", "verdict", "ratio", "interval", "effect", "base", "pairs"),
        rows=[_ab_row(result) for result in results],
        preface=list(_preface(runs, results, verdict, sides)),
        notes=["above 1 the candidate takes more", *_remarks(results), *_apart(results), *notes],
        fitting=Fitting(names=0, essential=5),
    )


def _preface(
    runs: tuple[str, str],
    results: Sequence["CaseResult"],
    verdict: str,
    sides: tuple[str, str] | None,
) -> Iterator[str]:
    """Metrics beside the time count where they are slower, as they do in the verdict."""
    base, candidate = sides or runs
    common = [each for each in results if each.presence == "both"]
    cases = {each.case for each in common}
    counted = [each for each in common if verdict == "slower" or each.metric == _TIME]
    such = {each.case for each in counted if each.verdict == verdict}
    yield f"{verdict}: {candidate} over {base}, in {len(such)} of {len(cases)} case(s)"
    if sides:
        yield f"runs: {runs[1]} over {runs[0]}"


def _remarks(results: Sequence["CaseResult"]) -> list[str]:
    """Of what both sides have, each said once."""
    told = [
        (each.case if each.metric == _TIME else f"{each.case} ({_metric(each)})", remark)
        for each in results
        if each.presence == "both"
        for remark in each.remarks
    ]
    return said_once("remark", told)


def _metric(result: "CaseResult") -> str:
    return result.metric.replace("_", " ")


def _apart(results: Sequence["CaseResult"]) -> list[str]:
    """A line for each kind of case that the sides do not have in common."""
    kinds = dict.fromkeys(each.presence for each in results if each.presence != "both")
    return [
        f"{kind}: {', '.join(each.case for each in results if each.presence == kind)}"
        for kind in kinds
    ]


def _ab_row(result: "CaseResult") -> tuple[str, ...]:
    interval = "" if result.low is None else f"{result.low:.3f} … {result.high:.3f}"
    in_unit = quantity.seconds if result.unit == "s" else quantity.size
    effect = result.effect
    sign = "" if effect is None else "+" if effect >= 0 else "-"
    return (
        result.case,
        _metric(result),
        result.verdict if result.presence == "both" else result.presence,
        "" if result.ratio is None else f"{result.ratio:.3f}",
        interval,
        "" if effect is None else f"{sign}{in_unit(abs(effect))}",
        "" if result.base is None else in_unit(result.base),
        str(result.pairs),
    )
