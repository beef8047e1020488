from typing import Any

import numpy as np
import pytest

from tests.benchmarks.verdicts import CASES
from tests.benchmarks.verdicts.ours import pairs

FIRST, SECOND = CASES[:2]


def measurement(case: str, launch: int, call_s: float, **more: Any) -> dict[str, Any]:
    told = {"trace_s": 0.25, "lower_s": 0.25, "compile_s": 0.5, "peak_rss_bytes": 1000}
    found = {"case": case, "launch": launch, "samples_s": [call_s] * 3, "device_peak_bytes": None}
    return {**found, **told, **more}


def test_pairs_are_told_by_metric_and_case() -> None:
    base = [measurement(FIRST, 0, 1.0), measurement(SECOND, 0, 1.0), measurement(FIRST, 1, 1.0)]
    candidate = [
        measurement(FIRST, 0, 1.1, compile_s=1.5),
        measurement(SECOND, 0, 0.5, peak_rss_bytes=2000),
        measurement(FIRST, 1, 1.2),
    ]
    found = pairs(base, candidate)
    rest = [None] * (len(CASES) - 2)
    assert found["time"] == [
        [pytest.approx(np.log(1.1)), pytest.approx(np.log(0.5)), *rest],
        [pytest.approx(np.log(1.2)), None, *rest],
    ]
    assert found["compile_time"][0][:2] == [pytest.approx(np.log(2)), 0]
    assert found["memory"][0][:2] == [0, pytest.approx(np.log(2))]


def test_what_one_side_lacks_is_in_no_pair() -> None:
    assert pairs([measurement(FIRST, 0, 1.0)], []) == {
        metric: [] for metric in ("time", "compile_time", "memory")
    }
