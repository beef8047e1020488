"""What was found in turns: `jaxrig ab`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.ab import CaseResult


def ab_view(
    runs: tuple[str, str],
    results: Sequence["CaseResult"],
    verdict: str,
    *,
    sides: tuple[str, str] | None = None,
    notes: Sequence[str] = (),
) -> View:
    """`jaxrig ab`: of base and candidate, the runs' names and (where it is known) what was asked
    for."""
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
        notes=[
            f"{_named(runs, sides, 1)} over {_named(runs, sides, 0)}: {verdict}",
            "above 1 the candidate takes more",
            *_apart(results),
            *notes,
        ],
    )


def _named(runs: tuple[str, str], sides: tuple[str, str] | None, which: int) -> str:
    return f"{sides[which]} (run {runs[which]})" if sides else runs[which]


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
        result.metric.replace("_", " "),
        "" if result.base is None else in_unit(result.base),
        "" if result.ratio is None else f"{result.ratio:.3f}",
        interval,
        "" if effect is None else f"{sign}{in_unit(abs(effect))}",
        str(result.pairs),
        result.verdict if result.presence == "both" else result.presence,
        "; ".join(result.remarks),
    )
