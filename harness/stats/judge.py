"""Verdicts over launch pairs: how many must agree before anything is claimed.

A case is looked at after so many pairs. It is `slower` or `faster` when the interval at that look
excludes 1 and the estimate passes the floor; `same` when the interval lies within the floor.
A difference must be confirmed by pairs that come after, which nobody has looked at. The error of
the first claim is shared out among the cases (Bonferroni), and within a case over its looks
(`sequential`): a comparison of things that are equal makes one in at most `error` of all times, and
confirms it in at most `confirming_error` of these.
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
    the case slower or faster. `error`: of all first claims, cases and looks together;
    `confirming_error`: one-sided, of one case's confirmation."""

    looks: tuple[int, ...] = (4, 6, 8, 10, 12, 14, 16, 18, 20)
    error: float = 0.1
    confirming: tuple[int, ...] = (3, 5, 8, 12)
    confirming_error: float = 0.1

    @property
    def most_pairs(self) -> int:
        """Of a case that is called so at the last look, and confirmed at the last."""
        return self.looks[-1] + self.confirming[-1]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Arrays of shape (cases,). `ratios`: over all of a case's pairs, its interval at the level
    of the look that it has come to. `open`: another pair could still change the verdict.
    `confirming`: it was called slower or faster, and new pairs have yet to say so again;
    `refuted`: they did not. `enough`: of a case without a verdict, how many pairs in all would
    decide it if the estimate and the spread stay as they are; 0 where that is more than
    `MOST_PAIRS`, or unknown.
    """

    verdicts: tuple[Verdict, ...]
    ratios: PairedRatios
    open: NDArray[np.bool_]
    confirming: NDArray[np.bool_]
    refuted: NDArray[np.bool_]
    enough: NDArray[np.int64]


def judge(
    series: ArrayLike, floors: ArrayLike, rule: Rule, shares: ArrayLike | None = None
) -> Judged:
    """`series`: log ratios of each case's pairs in their order, shape (cases, pairs), NaN where
    there are no more. `floors`: the smallest effect that matters, 0.02 being 2 %, one number or
    one a case. `shares`: of the error, one a case, 1 in all; None: equal ones. Raises ValueError
    where a pair is missing before another, and for shares that are more than the whole."""
    pairs = np.atleast_2d(np.asarray(series, dtype=np.float64))
    counts = _counts(pairs)
    floor = np.broadcast_to(np.log1p(np.asarray(floors, dtype=np.float64)), counts.shape)
    levels = _levels(rule, len(pairs), shares)
    state = np.full(counts.shape, _OPEN)
    decided_at, level = np.zeros_like(counts), levels[0].copy()
    for look, at in zip(rule.looks, levels, strict=True):
        looking = (state == _OPEN) & (counts >= look)
        level[looking] = at[looking]
        seen = ratios_of_pairs(pairs[:, :look], at)
        found = _called(seen.ratio, seen.low, seen.high, floor)
        state = np.where(looking, found, state)
        decided_at[looking] = look
    claimed = np.isin(state, (_SLOWER, _FASTER))
    towards = np.where(state == _FASTER, -1, 1)
    confirmed = _confirmed(towards[:, None] * pairs, decided_at, rule, CONFIRMING_SHARE * floor)
    state[claimed & (confirmed == _REFUTED)] = _REFUTED
    confirming = claimed & (confirmed == _OPEN)
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


def _levels(rule: Rule, cases: int, shares: ArrayLike | None) -> Float64Array:
    """Of each look, of each case: shape (looks, cases)."""
    parts = np.full(cases, 1 / max(cases, 1)) if shares is None else np.asarray(shares)
    if parts.sum() > 1 + 1e-9:
        raise ValueError(f"the cases' shares of the error make {parts.sum()}, more than 1")
    distinct, which = np.unique(parts, return_inverse=True)
    of_each = [nominal_levels(rule.looks, rule.error * float(part)) for part in distinct]
    return np.array(of_each).reshape(len(distinct), len(rule.looks))[which].T


def _enough(found: PairedRatios, floor: Float64Array, levels: Float64Array) -> NDArray[np.int64]:
    """Pairs after which Student's interval about the estimate would end at what decides: at 1
    where the estimate passes the floor, else at the floor."""
    centre = np.abs(np.log(found.ratio))
    room = np.where(centre >= floor, centre, floor - centre)
    pairs = np.arange(2, MOST_PAIRS + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = room / found.spread
    index = np.zeros(wanted.shape, dtype=np.int64)
    for level in np.unique(levels):
        halves = stdtrit(pairs - 1, 1 - level / 2) / np.sqrt(pairs)  # falls with every pair
        at = levels == level
        index[at] = np.searchsorted(-halves, -wanted[at])
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
    """_SLOWER, _REFUTED, or _OPEN while pairs are wanting, by those `after` so many. `pairs`:
    turned so that what was claimed is that they are above 0."""
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
