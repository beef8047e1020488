"""Verdicts over launch pairs: how many must agree before anything is claimed.

A case is looked at after so many pairs. It is `slower` or `faster` when the interval at that look
excludes 1 and the estimate passes the floor; `same` when the interval lies within the floor.
What was called slower must be confirmed by pairs that come after, which nobody has looked at. The
error is shared out equally among the cases (Bonferroni), and within a case over its looks
(`sequential`), so that a whole comparison of things that are equal claims a difference in at most
`error` of all times, and `slower`, which is measured twice, far more rarely still.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from harness.stats.paired import Float64Array, PairedRatios, ratios_of_pairs
from harness.stats.sequential import nominal_levels

Verdict = Literal["slower", "faster", "same", "unclear"]

MOST_PAIRS = 1000
"""More than anybody measures to decide one case."""

CONFIRMING_SHARE = 0.5
"""Of the floor, what the pairs that confirm must show by themselves: they are few, and their
estimate scatters about an effect that is just at the floor."""

_OPEN, _SLOWER, _FASTER, _SAME, _REFUTED = range(5)
_VERDICTS: tuple[Verdict, ...] = ("unclear", "slower", "faster", "same", "unclear")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`looks`: pairs there are at each. `confirming`: likewise, counted after the look that called
    the case slower. `error`: of all cases and looks together; `confirming_error`: one-sided, of
    one case's confirmation."""

    looks: tuple[int, ...] = (4, 6, 8, 11, 15, 20)
    error: float = 0.05
    confirming: tuple[int, ...] = (3, 5, 8)
    confirming_error: float = 0.05

    @property
    def most_pairs(self) -> int:
        """Of a case that is called slower at the last look, and confirmed at the last."""
        return self.looks[-1] + self.confirming[-1]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Arrays of shape (cases,). `ratios`: over all of a case's pairs, its interval at the level
    of the look that it has come to. `open`: another pair could still change the verdict.
    `confirming`: it was called slower, and new pairs have yet to say so again; `refuted`: they
    did not. `enough`: of a case without a verdict, how many pairs in all would decide it if the
    estimate and the spread stay as they are; 0 where that is more than `MOST_PAIRS`, or unknown.
    """

    verdicts: tuple[Verdict, ...]
    ratios: PairedRatios
    open: NDArray[np.bool_]
    confirming: NDArray[np.bool_]
    refuted: NDArray[np.bool_]
    enough: NDArray[np.int64]


def judge(series: ArrayLike, floors: ArrayLike, rule: Rule) -> Judged:
    """`series`: log ratios of each case's pairs in their order, shape (cases, pairs), NaN where
    there are no more. `floors`: the smallest effect that matters, 0.02 being 2 %, one number or
    one a case. Raises ValueError where a pair is missing before another."""
    pairs = np.atleast_2d(np.asarray(series, dtype=np.float64))
    counts = _counts(pairs)
    floor = np.broadcast_to(np.log1p(np.asarray(floors, dtype=np.float64)), counts.shape)
    levels = nominal_levels(rule.looks, rule.error / max(len(pairs), 1))
    state = np.full(counts.shape, _OPEN)
    decided_at, level = np.zeros_like(counts), np.full(counts.shape, levels[0])
    for look, at in zip(rule.looks, levels, strict=True):
        looking = (state == _OPEN) & (counts >= look)
        level[looking] = at
        seen = ratios_of_pairs(pairs[:, :look], at)
        found = _called(seen.ratio, seen.low, seen.high, floor)
        state = np.where(looking, found, state)
        decided_at[looking] = look
    slower = state == _SLOWER
    confirmed = _confirmed(pairs, decided_at, rule, CONFIRMING_SHARE * floor)
    state[slower & (confirmed == _REFUTED)] = _REFUTED
    confirming = slower & (confirmed == _OPEN)
    ended = counts >= rule.looks[-1]
    ratios = ratios_of_pairs(pairs, level)
    undecided = np.isin(state, (_OPEN, _REFUTED)) | confirming
    return Judged(
        verdicts=tuple(
            "unclear" if waits else _VERDICTS[each]
            for each, waits in zip(state, confirming, strict=True)
        ),
        ratios=ratios,
        open=confirming | ((state == _OPEN) & ~ended),
        confirming=confirming,
        refuted=state == _REFUTED,
        enough=np.where(undecided, _enough(ratios, floor, levels[-1]), 0),
    )


def _enough(found: PairedRatios, floor: Float64Array, level: float) -> NDArray[np.int64]:
    """Pairs after which Student's interval about the estimate would end at what decides: at 1
    where the estimate passes the floor, else at the floor."""
    centre = np.abs(np.log(found.ratio))
    room = np.where(centre >= floor, centre, floor - centre)
    pairs = np.arange(2, MOST_PAIRS + 1)
    halves = stdtrit(pairs - 1, 1 - level / 2) / np.sqrt(pairs)  # falls with every pair
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = room / found.spread
    index = np.searchsorted(-halves, -wanted)
    known = np.isfinite(wanted) & (index < len(pairs))
    return np.asarray(np.where(known, pairs[np.minimum(index, len(pairs) - 1)], 0))


def _counts(pairs: Float64Array) -> NDArray[np.int64]:
    there = ~np.isnan(pairs)
    if np.any(there[:, 1:] & ~there[:, :-1]):
        raise ValueError("a case's pairs must follow one another")
    return np.asarray(np.count_nonzero(there, axis=-1))


def verdicts_of(
    ratio: ArrayLike, low: ArrayLike, high: ArrayLike, floors: ArrayLike
) -> tuple[Verdict, ...]:
    """What intervals say by themselves, shape (cases,); `unclear` where there is none (NaN).
    `floors`: as of `judge`."""
    centre, least, most = (
        np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in (ratio, low, high)
    )
    floor = np.log1p(np.asarray(floors, dtype=np.float64))
    return tuple(_VERDICTS[each] for each in _called(centre, least, most, floor))


def _called(
    ratio: Float64Array, low: Float64Array, high: Float64Array, floor: Float64Array
) -> NDArray[np.int64]:
    """`floor`: of logarithms."""
    centre, low, high = np.log(ratio), np.log(low), np.log(high)
    slower, faster = (low > 0) & (centre >= floor), (high < 0) & (centre <= -floor)
    same = (low > -floor) & (high < floor)
    return np.asarray(np.select([slower, faster, same], [_SLOWER, _FASTER, _SAME], _OPEN))


def _confirmed(
    pairs: Float64Array, after: NDArray[np.int64], rule: Rule, floor: Float64Array
) -> NDArray[np.int64]:
    """_SLOWER, _REFUTED, or _OPEN while pairs are wanting, by those `after` so many."""
    levels = nominal_levels(rule.confirming, 2 * rule.confirming_error)
    most = rule.confirming[-1]
    padded = np.pad(pairs, ((0, 0), (0, most)), constant_values=np.nan)
    fresh = np.take_along_axis(padded, after[:, None] + np.arange(most), axis=1)
    counts = np.count_nonzero(~np.isnan(fresh), axis=-1)
    state = np.full(counts.shape, _OPEN)
    for look, level in zip(rule.confirming, levels, strict=True):
        found = ratios_of_pairs(fresh[:, :look], level)
        again = (found.low > 1) & (np.log(found.ratio) >= floor)
        state[(state == _OPEN) & (counts >= look) & again] = _SLOWER
    state[(state == _OPEN) & (counts >= most)] = _REFUTED
    return state
