"""What a larger model would take: `jaxrig predict`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.roofline.predict import Prediction


def predictions_view(
    predictions: Sequence["Prediction"], *, model: str, ceilings: str, memory_bytes: float | None
) -> View:
    """`model`: what was asked for, in words; `ceilings`: of which run."""
    records: list[dict[str, Any]] = [asdict(each) for each in predictions]
    room = "" if memory_bytes is None else f", {quantity.size(memory_bytes)} of memory"
    return View(
        document={"model": model, "ceilings": ceilings, "phases": records},
        records=records,
        headers=(
            "phase",
            "a call",
            "interval",
            "a token",
            "binding",
            "memory",
            "largest batch",
            "largest context",
        ),
        rows=[
            (
                each.phase,
                quantity.seconds(each.usual_s),
                f"{quantity.seconds(each.low_s)} to {quantity.seconds(each.high_s)}",
                quantity.seconds(each.token_s),
                each.binding,
                quantity.size(each.memory_bytes),
                _count(each.largest_batch),
                _count(each.largest_context),
            )
            for each in predictions
        ],
        notes=[f"{model}; by the ceilings of {ceilings}{room}; nothing of it was measured"],
    )


def _count(value: int | None) -> str:
    return "" if value is None else str(value)
