"""Two stored runs side by side: `jaxrig compare`."""

from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.compare import CaseComparison, Comparison


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
