"""How long an operation takes on its own, from those that were measured: by shape, by size.

SciPy is imported where it is needed: a third of a second that nobody should wait for who has no
ceilings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.interpolate import RBFInterpolator

Floats = NDArray[np.float64]

SMOOTHING = 0.3
"""Of what the trend leaves: measured shapes scatter by some 20 % from launch to launch."""

FURTHEST = np.log(2.0)
"""What shapes nearby may change of the trend, as a logarithm: none is far from all that were
measured and still known better than that."""

PARAMETERS = 6
"""Of the trend: so many shapes are needed before one near another says more than it does."""


@dataclass(frozen=True, kw_only=True)
class Products:
    """Seconds of matrix products by their shape.

    `shapes`: (n, 4), batch, m, k, n of each; `seconds`: (n,); `flops`: (n,), that are needed, which
    of a convolution are fewer than its shape says, for it counts the padding.

    A trend with a term for FLOP and one for each matrix that is moved (non-negative least squares
    of relative errors; Lawson and Hanson, Solving Least Squares Problems, 1974), and what it leaves
    interpolated in the logarithms of the shape by linear radial basis functions.
    """

    shapes: Floats
    seconds: Floats
    flops: Floats

    def __call__(self, shapes: Sequence[Sequence[float]]) -> Floats:
        """Seconds of one product of each shape; `shapes`: (any, 4)."""
        wanted = np.asarray(shapes, dtype=np.float64)
        trend = _terms(wanted) @ self._trend
        if self._left is None:
            return trend
        left = self._left(np.log(wanted))
        return np.asarray(trend * np.exp(np.clip(left, -FURTHEST, FURTHEST)))

    @property
    def peak_flops_per_s(self) -> float:
        """The most that any measured shape reached."""
        return float((self.flops / self.seconds).max())

    @cached_property
    def _trend(self) -> Floats:
        from scipy.optimize import nnls

        weighted = _terms(self.shapes) / self.seconds[:, None]
        # Columns differ by many orders of magnitude; scaled, the solver's tolerance fits all.
        scale = weighted.max(axis=0)
        found, _ = nnls(weighted / scale, np.ones(len(self.seconds)))
        return np.asarray(found / scale)

    @cached_property
    def _left(self) -> "RBFInterpolator | None":
        from scipy.interpolate import RBFInterpolator

        if len(self.seconds) <= PARAMETERS:
            return None
        left = np.log(self.seconds / (_terms(self.shapes) @ self._trend))
        places, owners = np.unique(np.log(self.shapes), axis=0, return_inverse=True)
        means = np.bincount(owners.ravel(), weights=left) / np.bincount(owners.ravel())
        return RBFInterpolator(places, means, kernel="linear", degree=0, smoothing=SMOOTHING)


def _terms(shapes: Floats) -> Floats:
    batch, m, k, n = shapes.T
    columns = (_flops(shapes), batch * k * n, batch * m * k, batch * m * n, batch, batch**0)
    return np.stack(columns, axis=1)


def _flops(shapes: Floats) -> Floats:
    return np.asarray(2 * shapes.prod(axis=1))


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A rate by size: straight between measured sizes where both are logarithms, and level beyond
    them. `sizes` (n,) ascending; `rates` (n,)."""

    sizes: Floats
    rates: Floats

    def __call__(self, size: float) -> float:
        place = np.interp(np.log(max(size, 1.0)), np.log(self.sizes), np.log(self.rates))
        return float(np.exp(place))

    def plateaus(self, steps: float = 1.3) -> list[tuple[float, float, float]]:
        """(first size, last size, rate) of stretches whose rates are within a factor `steps` of the
        first one's, smallest sizes first; the rate is their median."""
        found: list[tuple[float, float, float]] = []
        start = 0
        for place in range(1, len(self.sizes) + 1):
            if (
                place < len(self.sizes)
                and 1 / steps < self.rates[place] / self.rates[start] < steps
            ):
                continue
            rate = float(np.median(self.rates[start:place]))
            found.append((float(self.sizes[start]), float(self.sizes[place - 1]), rate))
            start = place
        return found
