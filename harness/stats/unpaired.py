"""The ratio between two runs that were measured one after the other."""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.launches import positive


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """candidate / base; above 1 the candidate takes more.

    `low`, `high`: the smallest and largest ratio of any candidate launch to any base launch.
    That is the widest of the Hodges-Lehmann intervals for a shift (here of logarithms); were
    all launches exchangeable but for that shift, it would hold it with `coverage` (Lehmann,
    *Nonparametrics*, 1975, section 2.6: the interval inverts the rank-sum test). It knows
    nothing of what the machine did between the two runs.
    """

    ratio: float
    low: float
    high: float
    coverage: float
    warnings: tuple[str, ...]


def ratio_of_runs(base: ArrayLike, candidate: ArrayLike) -> Ratio:
    """Compares launch medians, shapes (n,) and (m,), all positive; else raises ValueError."""
    first, second = positive(base), positive(candidate)
    n, m = first.size, second.size
    coverage = 1.0 - 2.0 / comb(n + m, n)
    warnings = ["not measured in turns: a change of the machine's speed would look the same"]
    if coverage < 0.95:
        warnings.append(f"{n} and {m} launches: the range holds the ratio with {coverage:.0%}")
    return Ratio(
        ratio=float(np.median(second) / np.median(first)),
        low=float(second.min() / first.max()),
        high=float(second.max() / first.min()),
        coverage=max(coverage, 0.0),
        warnings=tuple(warnings),
    )
