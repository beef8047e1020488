"""The statistics in a pytest-benchmark file, by that tool's own definitions.

https://github.com/ionelmc/pytest-benchmark/blob/master/src/pytest_benchmark/stats.py
"""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def stats(samples_s: Sequence[float]) -> dict[str, Any]:
    """Of at least one sample in seconds: what `pytest_benchmark.stats.Stats.as_dict` returns."""
    data = np.sort(np.asarray(samples_s, dtype=np.float64))
    # Exact sums, as there: numpy's mean of equal samples can differ from them by its rounding,
    # which makes every sample an outlier.
    mean = statistics.mean(samples_s)
    stddev = statistics.stdev(samples_s) if len(data) > 1 else 0
    q1, q3 = quartiles(data)
    iqr = q3 - q1
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    within = data[(data >= low) & (data <= high)]
    far = _beyond(data, mean - stddev, mean + stddev)
    total = sum(samples_s)
    return {
        "min": float(data[0]),
        "max": float(data[-1]),
        "mean": mean,
        "stddev": stddev,
        "rounds": len(data),
        "median": statistics.median(samples_s),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": len(data) - len(within),
        "stddev_outliers": far,
        "outliers": f"{far};{len(data) - len(within)}",
        "ld15iqr": float(within[0]),
        "hd15iqr": float(within[-1]),
        "ops": len(data) / total,
        "total": total,
    }


def quartiles(data: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The first and third quartile of sorted `data`: medians of its halves where their number is
    even, else method 3 of https://en.wikipedia.org/wiki/Quartile#Computing_methods"""
    rounds, half = len(data), len(data) // 2
    if rounds == 1:
        return float(data[0]), float(data[0])
    if rounds % 2 == 0:
        return statistics.median(data[:half].tolist()), statistics.median(data[half:].tolist())
    n, rest = divmod(rounds, 4)
    if rest == 1:
        pairs = (0.25, data[n - 1], data[n]), (0.75, data[3 * n], data[3 * n + 1])
    else:
        pairs = (0.75, data[n], data[n + 1]), (0.25, data[3 * n + 1], data[3 * n + 2])
    first, third = (float(share * a + (1 - share) * b) for share, a, b in pairs)
    return first, third


def _beyond(data: npt.NDArray[np.float64], low: float, high: float) -> int:
    return int(np.count_nonzero((data < low) | (data > high)))
