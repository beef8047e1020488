"""What `ab` would have said of other series, drawn from the launch pairs that were measured."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ab import ONCE, TIME
from harness.config import DEFAULT_FLOOR
from harness.stats.judge import Rule, judge
from tests.benchmarks.verdicts.ours import METRICS

DRAWS = 2000
"""Series; each decides all cases."""


def pool(results: Iterable[dict[str, Any]]) -> NDArray[np.float64]:
    """The launch pairs in which every case was measured (others have dropped some), shape
    (pairs, metrics, cases): log ratios."""
    found = []
    for result in results:
        logs = np.array([result["logs"][metric] for metric in METRICS], dtype=np.float64)
        found.append(np.moveaxis(logs, 1, 0))
    pairs = np.concatenate(found)
    return pairs[~np.isnan(pairs[:, METRICS.index("time")]).any(axis=1)]


def called_slower(pairs: NDArray[np.float64], seed: int = 0, draws: int = DRAWS) -> dict[str, int]:
    """How many decisions, by metric, would be `slower` in so many series of pairs, each drawn
    whole and with replacement. Judged as `ab` judges: cases and metrics together."""
    rule, source = Rule(), np.random.default_rng(seed)
    _, metrics, cases = pairs.shape
    floors = np.repeat([DEFAULT_FLOOR, *(metric.floor for metric in ONCE)], cases)
    shares = np.repeat([metric.share / cases for metric in (TIME, *ONCE)], cases)
    found = np.zeros((metrics, cases), dtype=np.int64)
    for _ in range(draws):
        series = pairs[source.integers(len(pairs), size=rule.most_pairs)]
        judged = judge(series.reshape(rule.most_pairs, -1).T, floors, rule, shares)
        found += np.array([each == "slower" for each in judged.verdicts]).reshape(found.shape)
    return dict(zip(METRICS, found.sum(axis=1).tolist(), strict=True))
