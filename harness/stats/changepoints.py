"""Where a series of nights changes its level: change points, deaf to single bad nights.

Last against previous alarms at every mood of a machine. Here the whole series is cut into
stretches of one level each, in three steps:

1. What lies far from its neighbours is taken for their median (Hampel, The influence curve and its
   role in robust estimation, J. Am. Stat. Assoc. 69, 1974): one bad night is no change.
2. Cuts at a price each are found by PELT, nearly the best there are (ruptures' KernelCPD with a
   linear kernel: Celisse et al., New efficient algorithms for multiple change-point detection with
   reproducing kernels, Comput. Stat. Data Anal. 128, 2018; Killick et al., J. Am. Stat. Assoc. 107,
   2012). The price is low: it lets pass whatever may stay.
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
from statistics import median

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Float64Array = NDArray[np.float64]

LEAST = 5
"""Points of a stretch: fewer are a bad week, and no level."""

REACH = LEAST - 1
"""Neighbours on either side that a point is held against: fewer bad nights in a row than make a
level are none."""

FAR = 3.0
"""Standard deviations from its neighbours' median from which on a point is taken for that."""

PRICE = 10.0
"""Of a cut, in squared standard deviations that it has to explain."""

CERTAIN, OF = 4.8, 100
"""Standard errors between two levels that are two, in a series of so many points. In a longer one a
cut may be in more places, of which the best looks better."""

SETTLED = 10
"""Points after a change, with which it is no longer provisional."""

MOST_ALIKE = 0.95
"""Of the correlation of a point with the next: what is more alike is a drift, and no series of
levels."""

_NORMAL = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""

_ERROR = 0.05
"""Of an interval, both sides together."""


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
class Level:
    """The one that a series is at now. `at`: the place of its first point. `value`: the geometric
    mean of its points, with an interval of 95 %. `spread`: a point's standard deviation about it,
    over it, deaf to single points. Of fewer than `LEAST` points the value is all that is known."""

    at: int
    value: float
    low: float | None
    high: float | None
    spread: float | None


@dataclass(frozen=True, kw_only=True)
class Levels:
    """`few`: so few points that no change was looked for. `present`: None where there is none."""

    changes: tuple[Change, ...]
    few: bool
    present: Level | None


def levels(values: ArrayLike, *, floor: float = 0.02, joins: Sequence[int] = ()) -> Levels:
    """`values`: one a night, shape (n,), positive. `floor`: what changes less matters to nobody.
    `joins`: places before which all points were scaled by what one night said: they are off by as
    much as a night is, however many they are.

    Raises ValueError for what is not positive.
    """
    nights = np.asarray(values, dtype=np.float64)
    if np.any(~(nights > 0)):
        raise ValueError("a series has a positive value a night")
    logs = without_far(np.log(nights))
    cuts = _cuts(logs)
    certain = np.sqrt(CERTAIN**2 + 2 * np.log(max(logs.size, OF) / OF))
    while (weakest := _weakest(_compared(logs, cuts, joins), certain, floor)) is not None:
        del cuts[weakest]
    return Levels(
        changes=tuple(
            _change(at, each, provisional=logs.size - at < SETTLED)
            for at, each in zip(cuts, _compared(logs, cuts, joins), strict=True)
        ),
        few=logs.size < 2 * LEAST,
        present=_present(np.log(nights), logs, cuts, joins) if logs.size else None,
    )


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
    """The standard deviation of a point, from differences of neighbours, which know of no level.
    Of a coarse clock most of these are equal."""
    return _deviation(np.diff(logs)) / float(np.sqrt(2))


def _deviation(values: Float64Array) -> float:
    """The standard deviation, deaf to single values. Where most are equal, of all of them."""
    return float(_NORMAL * _median(np.abs(values - _median(values))) or values.std())


def _median(values: Float64Array) -> float:
    """Of few values, for which NumPy takes ten times as long."""
    told: list[float] = values.tolist()
    return median(told)


def _cuts(logs: Float64Array) -> list[int]:
    if logs.size < 2 * LEAST or np.ptp(logs) == 0:
        return []
    from ruptures import KernelCPD

    scaled = ((logs - _median(logs)) / _scatter(logs))[:, None]
    ends = KernelCPD(kernel="linear", min_size=LEAST).fit_predict(scaled, pen=PRICE)
    return [int(end) for end in ends[:-1]]


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """What two neighbouring stretches say: logarithms of the levels, and the error of their
    difference, with so many degrees of freedom."""

    before: float
    after: float
    error: float
    freedom: int

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def strength(self) -> float:
        """Standard errors."""
        return abs(self.difference) / self.error if self.error else np.inf


def _compared(logs: Float64Array, cuts: Sequence[int], joins: Sequence[int]) -> list[_Cut]:
    """A cut each."""
    if not cuts:
        return []
    stretches = np.split(logs, cuts)
    spread, alike = _scattering(stretches)
    inflated = spread**2 * (1 + alike) / (1 - alike)
    found = []
    ends = [0, *cuts, logs.size]
    for place, (one, other) in enumerate(pairwise(stretches)):
        within = sum(ends[place] < join < ends[place + 2] for join in joins)
        variance = inflated * (1 / one.size + 1 / other.size) + within * spread**2
        found.append(
            _Cut(
                before=float(one.mean()),
                after=float(other.mean()),
                error=float(np.sqrt(variance)),
                freedom=logs.size - len(stretches),
            )
        )
    return found


def _scattering(stretches: Sequence[Float64Array]) -> tuple[float, float]:
    """The standard deviation of a point about its level, and the correlation with the next."""
    left = np.concatenate([each - each.mean() for each in stretches])
    squares = float(np.sum(left**2))
    alike = float(np.sum(left[1:] * left[:-1])) / squares if squares else 0.0
    return float(np.sqrt(squares / (left.size - len(stretches)))), min(max(alike, 0.0), MOST_ALIKE)


def _weakest(cuts: Sequence[_Cut], certain: float, floor: float) -> int | None:
    """The place of the one that stays least; None where all stay."""
    found = [
        (each.strength, place)
        for place, each in enumerate(cuts)
        if each.strength < certain or abs(each.difference) < log1p(floor)
    ]
    return min(found)[1] if found else None


def _present(
    raw: Float64Array, logs: Float64Array, cuts: Sequence[int], joins: Sequence[int]
) -> Level:
    """`raw`: `logs` with what is far. The points before a join are off by what that night was."""
    at = cuts[-1] if cuts else 0
    stretches = np.split(logs, cuts)
    count, mean = stretches[-1].size, float(stretches[-1].mean())
    if count < LEAST:
        return Level(at=at, value=exp(mean), low=None, high=None, spread=None)
    spread, alike = _scattering(stretches)
    joined = sum(((join - at) / count) ** 2 for join in joins if join > at)
    error = spread * np.sqrt((1 + alike) / (1 - alike) / count + joined)
    half = _half(float(error), logs.size - len(stretches))
    return Level(
        at=at,
        value=exp(mean),
        low=exp(mean - half),
        high=exp(mean + half),
        spread=_deviation(raw[at:]),
    )


def _half(error: float, freedom: int) -> float:
    """Of an interval of 95 %."""
    return float(stdtrit(freedom, 1 - _ERROR / 2)) * error


def _change(at: int, cut: _Cut, *, provisional: bool) -> Change:
    half = _half(cut.error, cut.freedom)
    return Change(
        at=at,
        before=exp(cut.before),
        after=exp(cut.after),
        ratio=exp(cut.difference),
        low=exp(cut.difference - half),
        high=exp(cut.difference + half),
        provisional=provisional,
    )
