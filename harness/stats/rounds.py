"""How many rounds in turns a launch pair needs, by how much they have scattered so far.

A quiet machine needs few: what scatters there are the launches. Beside a noisy neighbour the rounds
of a pair scatter more than launches do, and a pair of few rounds tells little.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.paired import Float64Array

MOST_TIMES = 4
"""As many times the least number of rounds are measured at most: a launch should end some day."""

SHARE_OF_FLOOR = 0.5
"""What the rounds of a pair may add to its error, of the change that matters: about as much as the
launches' own scatter of 1 to 2 %."""


def rounds_wanted(pairs: Sequence[ArrayLike], error: float, least: int) -> int:
    """After how many rounds what a pair says (`log_ratios`) has the standard error `error`; at
    least `least`, at most `MOST_TIMES` as many.

    `pairs`: of each pair so far the log ratios of its rounds; fewer than six tell nothing. The
    error of a median is that of Maritz and Jarrett, JASA 73, 1978; it falls with the root of
    their number.
    """
    from scipy.stats.mstats import mjci

    def variance(rounds: Float64Array) -> float:
        """Of the average of two medians, were there one round."""
        errors = [float(mjci(half, [0.5])[0]) for half in (rounds[::2], rounds[1::2])]
        return len(rounds) * float(np.square(errors).sum()) / 4

    several = [np.asarray(each, dtype=np.float64) for each in pairs]
    variances = [variance(each) for each in several if len(each) >= 6]
    if not variances:
        return least
    wanted = math.ceil(float(np.mean(variances)) / error**2)
    return min(max(least, wanted), MOST_TIMES * least)
