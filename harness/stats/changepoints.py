"""Where a series of nights changes its level: change points, deaf to single bad nights.

Last against previous alarms at every mood of a machine. Here the whole series is cut into
stretches of one level each, in three steps:

1. What lies far from its neighbours is taken for their median (Hampel, The influence curve and its
   role in robust estimation, J. Am. Stat. Assoc. 69, 1974): one bad night is no change.
2. The best cuts at a price each are found exactly (ruptures' KernelCPD with a linear kernel:
   Celisse et al., New efficient algorithms for multiple change-point detection with reproducing
   kernels, Comput. Stat. Data Anal. 128, 2018). The price is low: it lets pass whatever may stay.
3. The weakest cut goes, until all that are left are certain and matter. Certain: the levels differ
   by `CERTAIN` of their standard errors, in which nights resemble the ones before them as a
   first-order autoregression does (its variance inflation (1 + r) / (1 - r): Bartlett, J. R. Stat.
   Soc. 98, 1935). A cut is where it looks best, so that the bound is not that of one difference: it
   is such that no more than 1 in 200 series of noise has any (`make bench-changepoints`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log1p

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64Array = NDArray[np.float64]

LEAST = 5
"""Points of a stretch: fewer are a bad week, and no level."""

REACH = 3
"""Neighbours on either side that a point is held against: of seven, three may be bad."""

FAR = 3.0
"""Standard deviations from its neighbours' median from which on a point is taken for that."""

PRICE = 10.0
"""Of a cut, in squared standard deviations that it has to explain."""

CERTAIN = 4.8
"""Standard errors between two levels that are two."""

SETTLED = 10
"""Points after a change, with which it is no longer provisional."""

MOST_ALIKE = 0.95
"""Of the correlation of a point with the next: what is more alike is a drift, and no series of
levels."""

_NORMAL = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""

_TWO_SIDED = 1.96


@dataclass(frozen=True, kw_only=True)
class Change:
    """`at`: the place of the first point after it. `before`, `after`: the levels, `ratio` the
    latter over the former, with its interval of 95 %. `provisional`: later points may take it
    back."""

    at: int
    before: float
    after: float
    ratio: float
    low: float
    high: float
    provisional: bool


@dataclass(frozen=True, kw_only=True)
class Levels:
    """`level`: that of the last stretch, NaN of no point. `spread`: the standard deviation of a
    point's logarithm about its level, NaN of fewer than two. `alike`: the correlation of a point
    with the next. `warnings`: why there may be changes that were not looked for."""

    level: float
    spread: float
    alike: float
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def levels(values: ArrayLike, *, floor: float = 0.02) -> Levels:
    """`values`: one a night, shape (n,), positive. `floor`: what changes less matters to nobody.

    Raises ValueError for what is not positive.
    """
    nights = np.asarray(values, dtype=np.float64)
    if np.any(~(nights > 0)):
        raise ValueError("a series has a positive value a night")
    logs = without_far(np.log(nights))
    cuts = _cuts(logs)
    while (weakest := _weakest(logs, cuts, floor)) is not None:
        del cuts[weakest]
    return _told(logs, cuts)


def without_far(logs: Float64Array) -> Float64Array:
    """`logs`, what is far from its neighbours replaced by their median."""
    if logs.size < 2 * LEAST:
        return logs
    reach = 2 * REACH + 1
    windows = np.lib.stride_tricks.sliding_window_view(logs, reach)
    # At the ends a window lies as far within as it must to be whole.
    starts = np.clip(np.arange(logs.size) - REACH, 0, logs.size - reach)
    medians = np.median(windows, axis=1)[starts]
    return np.where(np.abs(logs - medians) > FAR * _scatter(logs), medians, logs)


def _scatter(logs: Float64Array) -> float:
    """The standard deviation of a point, from differences of neighbours, which know of no level."""
    differences = np.diff(logs)
    middle = np.median(differences)
    return float(_NORMAL * np.median(np.abs(differences - middle)) / np.sqrt(2))


def _cuts(logs: Float64Array) -> list[int]:
    if logs.size < 2 * LEAST or np.ptp(logs) == 0:
        return []
    from ruptures import KernelCPD

    # Where most neighbours are equal, any difference is far more than chance.
    scatter = max(_scatter(logs), np.finfo(np.float64).eps)
    scaled = ((logs - np.median(logs)) / scatter)[:, None]
    ends = KernelCPD(kernel="linear", min_size=LEAST).fit_predict(scaled, pen=PRICE)
    return [int(end) for end in ends[:-1]]


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """What two neighbouring stretches say: logarithms of the levels, and the error of their
    difference."""

    before: float
    after: float
    error: float

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def strength(self) -> float:
        """Standard errors."""
        return abs(self.difference) / self.error if self.error else np.inf


def _stretches(logs: Float64Array, cuts: Sequence[int]) -> list[Float64Array]:
    return np.split(logs, list(cuts))


def _scattering(stretches: Sequence[Float64Array]) -> tuple[float, float]:
    """The standard deviation of a point about its level, and the correlation with the next."""
    left = np.concatenate([each - each.mean() for each in stretches])
    free = left.size - len(stretches)
    squares = float(np.sum(left**2))
    if free < 1:
        return np.nan, 0.0
    alike = float(np.sum(left[1:] * left[:-1])) / squares if squares else 0.0
    return float(np.sqrt(squares / free)), min(max(alike, 0.0), MOST_ALIKE)


def _strengths(logs: Float64Array, cuts: Sequence[int]) -> list[_Cut]:
    if not cuts:
        return []
    stretches = _stretches(logs, cuts)
    spread, alike = _scattering(stretches)
    inflated = spread * np.sqrt((1 + alike) / (1 - alike))
    return [
        _Cut(
            before=float(one.mean()),
            after=float(other.mean()),
            error=float(inflated * np.sqrt(1 / one.size + 1 / other.size)),
        )
        for one, other in pairwise(stretches)
    ]


def _weakest(logs: Float64Array, cuts: Sequence[int], floor: float) -> int | None:
    """The place in `cuts` of the one that stays least; None where all stay."""
    found = [
        (each.strength, place)
        for place, each in enumerate(_strengths(logs, cuts))
        if each.strength < CERTAIN or abs(each.difference) < log1p(floor)
    ]
    return min(found)[1] if found else None


def _told(logs: Float64Array, cuts: Sequence[int]) -> Levels:
    stretches = _stretches(logs, cuts)
    spread, alike = _scattering(stretches) if logs.size > 1 else (np.nan, 0.0)
    few = logs.size < 2 * LEAST
    return Levels(
        level=exp(stretches[-1].mean()) if logs.size else np.nan,
        spread=spread,
        alike=alike,
        changes=tuple(
            _change(at, each, provisional=logs.size - at < SETTLED)
            for at, each in zip(cuts, _strengths(logs, cuts), strict=True)
        ),
        warnings=(f"{logs.size} points: changes are looked for in {2 * LEAST} and more",)
        if few
        else (),
    )


def _change(at: int, cut: _Cut, *, provisional: bool) -> Change:
    half = _TWO_SIDED * cut.error
    return Change(
        at=at,
        before=exp(cut.before),
        after=exp(cut.after),
        ratio=exp(cut.difference),
        low=exp(cut.difference - half),
        high=exp(cut.difference + half),
        provisional=provisional,
    )
