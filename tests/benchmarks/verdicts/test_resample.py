from typing import Any

import numpy as np

from tests.benchmarks.verdicts import CASES
from tests.benchmarks.verdicts.ours import METRICS
from tests.benchmarks.verdicts.resample import called_slower, pool


def test_pairs_that_lack_a_case_are_left_out() -> None:
    logs: dict[str, Any] = {metric: [[0.1] * len(CASES), [0.2] * len(CASES)] for metric in METRICS}
    logs["time"][1][0] = None
    assert pool([{"logs": logs}, {"logs": logs}]).shape == (2, len(METRICS), len(CASES))


def test_a_difference_is_found_and_none_is_not() -> None:
    pairs = np.random.default_rng(1).normal(0, 0.005, size=(40, len(METRICS), len(CASES)))
    assert called_slower(pairs, draws=20) == dict.fromkeys(METRICS, 0)
    pairs[:, 0] += 0.05
    assert called_slower(pairs, draws=20) == {
        "time": 20 * len(CASES),
        "compile_time": 0,
        "memory": 0,
    }
