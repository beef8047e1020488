"""Looking more than once without fooling oneself: group-sequential tests.

Who tests after every few launch pairs and stops at the first p < 5 % errs far more often than in
5 % of the cases. Here the error is spent look by look (Lan and DeMets, Discrete sequential
boundaries for clinical trials, Biometrika 70, 1983). The boundaries are those of a normal
statistic; a look's nominal level is then used as that of a t test (Jennison and Turnbull, Group
Sequential Methods with Applications to Clinical Trials, 2000, section 4.4). No kept library has
them in Python.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

SPENDING_POWER = 1.5
"""Between Pocock's early spending and O'Brien and Fleming's late one: a t test of a handful of
pairs needs some error to work with, and the last look should have most."""

_NODES = 96
_WIDEST_Z = 9.0

Float64Array = NDArray[np.float64]

Spending = Callable[[float], float]
"""Information, 0 to 1 → the share of the error that may be spent by then, 0 to 1."""


def power_spending(information: float) -> float:
    """The power family of Kim and DeMets, Biometrika 74, 1987."""
    return float(information**SPENDING_POWER)


@lru_cache
def nominal_levels(
    looks: tuple[int, ...], error: float, spending: Spending = power_spending
) -> tuple[float, ...]:
    """The two-sided level at which to test at each look, so that all together err in `error`.

    `looks`: how many pairs there are at each; the last is the most that there can be. Raises
    ValueError for looks that do not increase and for an error outside (0, 1).
    """
    if not looks or looks[0] < 1 or list(looks) != sorted(set(looks)):
        raise ValueError(f"looks must be increasing numbers of pairs, not {looks}")
    if not 0.0 < error < 1.0:
        raise ValueError(f"an error lies between 0 and 1, not {error}")
    going, levels, spent = _Going.at_start(), [], 0.0
    for look in looks:
        information = look / looks[-1]
        z = going.boundary(information, error * spending(information) - spent)
        going, spent = going.until(information, z), error * spending(information)
        levels.append(float(2.0 * ndtr(-z)))
    return tuple(levels)


@dataclass(frozen=True, kw_only=True)
class _Going:
    """Where those are who have not stopped by some information: the density of the score
    S = Z √information, whose increments are independent, as point masses of a quadrature
    (Armitage, McPherson and Rowe, JRSS A 132, 1969).
    """

    information: float
    at: Float64Array
    mass: Float64Array

    @classmethod
    def at_start(cls) -> "_Going":
        return cls(information=0.0, at=np.zeros(1), mass=np.ones(1))

    def boundary(self, information: float, error: float) -> float:
        """The z that as many as `error` pass at the next look."""
        step, root = np.sqrt(information - self.information), np.sqrt(information)

        def excess(z: float) -> float:
            tails = ndtr((-z * root - self.at) / step) + ndtr((self.at - z * root) / step)
            return float(self.mass @ tails) - error

        return float(brentq(excess, 0.0, _WIDEST_Z, xtol=1e-10))

    def until(self, information: float, z: float) -> "_Going":
        """Those within ±z at the next look."""
        step, edge = np.sqrt(information - self.information), z * np.sqrt(information)
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        at = edge * nodes
        moved = np.exp(-0.5 * ((at[:, None] - self.at) / step) ** 2) / (step * np.sqrt(2 * np.pi))
        return _Going(information=information, at=at, mass=edge * weights * (moved @ self.mass))
