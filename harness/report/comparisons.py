"""Two stored runs side by side: `jaxrig compare`."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.fitting import Fitting
from harness.report.saying import said_once
from harness.report.turns import ab_view
from harness.report.view import View

if TYPE_CHECKING:
    from harness.compare import CaseComparison, Comparison
    from harness.store.pairings import Pairing


def comparison_view(comparison: "Comparison", in_turns: str | None) -> View:
    """`jaxrig compare` of runs that were measured apart: the verdict, what makes the two unlike,
    and a row a case. `in_turns`: the command that would decide what is unclear."""
    cases = [_comparison_record(case) for case in comparison.cases]
    return View(
        document={
            "base": comparison.base,
            "candidate": comparison.candidate,
            "in_turns": False,
            "differences": list(comparison.differences),
            "workloads": [asdict(each) for each in comparison.workloads],
            "cases": cases,
            "notes": list(comparison.notes),
            "settle": in_turns,
            "verdict": comparison.verdict,
        },
        records=cases,
        headers=("case", "verdict", "ratio", "interval", "base", "candidate"),
        rows=[_comparison_row(case) for case in comparison.cases],
        preface=list(_preface(comparison)),
        notes=list(_notes(comparison, in_turns)),
        fitting=Fitting(names=0, essential=4),
    )


def pairing_view(pairing: "Pairing") -> View:
    """`jaxrig compare` of runs that were measured in turns: what was said of them then."""
    from harness.ab import CaseResult, overall

    results = [CaseResult(**asdict(each)) for each in pairing.verdicts]
    view = ab_view((pairing.base, pairing.candidate), results, overall(results))
    how = "measured in turns: these are the verdicts of that `jaxrig ab`"
    none = () if results else ("it was ended before it came to any verdict",)
    return replace(
        view,
        document=view.document | {"in_turns": True},
        notes=[*view.notes, how, *none],
    )


def _preface(comparison: "Comparison") -> Iterator[str]:
    verdict = comparison.verdict
    common = [each for each in comparison.cases if each.presence != "added"]
    such = sum(each.verdict == verdict for each in common)
    which = f"{comparison.candidate} over {comparison.base}"
    yield f"{verdict}: {which}, in {such} of {len(common)} case(s)"
    if comparison.differences:
        yield "what differs, base → candidate:"
    yield from (f"  {difference}" for difference in comparison.differences)


def _notes(comparison: "Comparison", in_turns: str | None) -> Iterator[str]:
    yield "above 1 the candidate takes longer"
    yield from said_once("remark", _remarks(comparison.cases))
    if not comparison.alike:
        for each in comparison.workloads:
            interval = _interval(each.low, each.high)
            mean = f"{each.ratio:.3f}" + (f" ({interval})" if interval else "")
            yield f"{each.workload}: {mean}, the geometric mean of {each.cases} case(s)"
    yield from comparison.notes
    yield from dict.fromkeys(
        warning for case in comparison.cases if case.low for warning in case.warnings
    )
    if in_turns:
        yield f"what is unclear, in turns: `{in_turns}`"


def _remarks(cases: "Iterable[CaseComparison]") -> Iterator[tuple[str, str]]:
    for each in cases:
        yield from ((each.case, said) for said in (*each.differences, each.settle) if said)


def _comparison_record(case: "CaseComparison") -> dict[str, Any]:
    return asdict(case) | {
        "pairs": 0,  # launches measured in turns: none, these runs were measured apart
        "differences": list(case.differences),
        "warnings": list(case.warnings),
    }


def _comparison_row(case: "CaseComparison") -> tuple[str, ...]:
    base, candidate = case.base_median_s, case.candidate_median_s
    return (
        case.case,
        case.verdict if case.presence == "both" else case.presence,
        "" if case.ratio is None else f"{case.ratio:.3f}",
        _interval(case.low, case.high),
        quantity.seconds(base) if base is not None else "",
        quantity.seconds(candidate) if candidate is not None else "",
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} … {high:.3f}"
