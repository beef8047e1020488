"""What was found in turns: `jaxrig ab`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.ab import CaseResult


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
