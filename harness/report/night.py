"""What was found of a night: `jaxrig nightly`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.nightly import NightResult


def night_view(
    runs: tuple[str, str],
    epoch: int,
    results: Sequence["NightResult"],
    verdict: str,
    notes: Sequence[str] = (),
) -> View:
    """`jaxrig nightly`. `runs`: the anchor's and tonight's names."""
    documents = [asdict(result) for result in results]
    return View(
        document={
            "base": runs[0],
            "candidate": runs[1],
            "epoch": epoch,
            "cases": documents,
            "verdict": verdict,
        },
        records=documents,
        headers=(
            "case",
            "to the anchor",
            "interval",
            "to the nights before",
            "interval",
            "effect",
            "pairs",
            "nights",
            "verdict",
            "remarks",
        ),
        rows=[_row(result) for result in results],
        notes=[
            f"tonight (run {runs[1]}) over the anchor (run {runs[0]}), epoch {epoch}: {verdict}",
            "above 1 tonight takes longer",
            *notes,
        ],
    )


def _row(result: "NightResult") -> tuple[str, ...]:
    effect = result.effect
    sign = "" if effect is None else "+" if effect >= 0 else "-"
    return (
        result.case,
        _ratio(result.ratio),
        _interval(result.low, result.high),
        _ratio(result.change),
        _interval(result.change_low, result.change_high),
        "" if effect is None else f"{sign}{quantity.seconds(abs(effect))}",
        str(result.pairs),
        str(result.nights),
        result.verdict,
        "; ".join(result.remarks),
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} … {high:.3f}"
