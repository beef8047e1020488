"""What kinds of columns results have; `harness/frames.py` gives each kind its dtype."""

from collections.abc import Mapping, Sequence
from typing import Literal

from harness.store.metrics import Metric
from harness.store.series import AFTER, BEFORE

Kind = Literal["category", "text", "moment", "float", "whole", "count", "boolean", "object"]
"""`category`: texts that repeat. `whole`: integers that are always known; `count`: others."""

Kinds = Mapping[str, Kind]

RUNS: Kinds = {
    "run": "text",
    "status": "category",
    "target": "category",
    "platform": "category",
    "isolation": "category",
    "machine": "category",
    "image": "category",
    "suite": "category",
    "started_at": "moment",
    "ended_at": "moment",
    "measurements": "whole",
    "failures": "whole",
    "skipped": "whole",
    "launches_planned": "whole",
    "tags": "object",
    "git_commit": "category",
    "git_dirty": "boolean",
    "jaxrig_version": "category",
}

_SERIES: Kinds = {"run": "text", "started_at": "moment", "launches": "whole"}


def of_series(metrics: Sequence[Metric]) -> Kinds:
    """Of what `read_series` gives."""
    told: dict[str, Kind] = {metric.column: "float" for metric in metrics}
    if any(metric.program for metric in metrics):
        told["work_unit"] = "category"
    before: dict[str, Kind] = {name: _SERIES.get(name, "category") for name in BEFORE}
    after: dict[str, Kind] = dict.fromkeys(AFTER, "category")
    return before | told | after
