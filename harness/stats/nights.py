"""Tonight against the nights before: each is a ratio to the same anchor, measured in turns.

A night is the mean of its launch pairs' log ratios. The nights before say how far a night strays
when nothing has changed, whatever it is that makes it stray: tonight's mean less theirs, over their
scatter, is Student's t with one degree of freedom less than there are nights (a prediction
interval: Hahn and Meeker, Statistical Intervals, 1991, section 4.7). A change within the nights
looked back at widens the interval, and leaves it with them. The error is shared equally among the
cases (Bonferroni). What is called slower must be so again in pairs that come after, as in `judge`.

Nights with an earlier anchor count where a bridge ties it to this one: a night in which both were
measured. Its own straying is in all of them, and adds the variance of a night.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from harness.stats.judge import CONFIRMING_SHARE, Verdict
from harness.stats.paired import Float64Array, ratios_of_pairs
from harness.stats.sequential import nominal_levels


@dataclass(frozen=True, kw_only=True)
class NightRule:
    """`pairs`: launch pairs that make a night. `confirming`: pairs after them at which it is asked
    whether slower is so again, with a one-sided `confirming_error` in all. `look_back`: nights
    that tonight is compared with, at most and at least. `error`: of all cases together."""

    pairs: int = 5
    confirming: tuple[int, ...] = (3, 5, 8)
    confirming_error: float = 0.05
    most_nights: int = 14
    least_nights: int = 4
    error: float = 0.05

    @property
    def most_pairs(self) -> int:
        """Of a case that is called slower, and confirmed at the last look."""
        return self.pairs + self.confirming[-1]


@dataclass(frozen=True, kw_only=True)
class NightJudged:
    """Arrays of shape (cases,). `usual`: the ratio to the anchor of the nights before, NaN without
    any; `ratio`: tonight over them, NaN where tonight is not complete; `low`,
    `high`: its interval, NaN with fewer than `least_nights`. `open`: another pair could change
    the verdict. `refuted`: it was called slower, and was not so again."""

    verdicts: tuple[Verdict, ...]
    usual: Float64Array
    ratio: Float64Array
    low: Float64Array
    high: Float64Array
    nights: NDArray[np.int64]
    open: NDArray[np.bool_]
    refuted: NDArray[np.bool_]


def judge_night(
    tonight: ArrayLike, before: ArrayLike, floors: ArrayLike, rule: NightRule, *, bridges: int = 0
) -> NightJudged:
    """`tonight`: log ratios to the anchor of each case's pairs in their order, shape (cases,
    pairs), NaN where there are no more. `before`: log ratios of earlier nights (each the mean of
    its pairs), shape (cases, nights), NaN where a case was not measured. `floors`: the smallest
    effect that matters, 0.02 being 2 %, one number or one a case. `bridges`: anchors between."""
    pairs = np.atleast_2d(np.asarray(tonight, dtype=np.float64))
    counts = np.count_nonzero(~np.isnan(pairs), axis=-1)
    floor = np.broadcast_to(np.log1p(np.asarray(floors, dtype=np.float64)), counts.shape)
    usual, scatter, nights = _usual(np.atleast_2d(np.asarray(before, dtype=np.float64)), rule)
    complete = counts >= rule.pairs
    change = np.where(complete, mean_of(pairs[:, : rule.pairs]), np.nan) - usual
    judged = max(int(np.count_nonzero(~np.isnan(change) & ~np.isnan(scatter))), 1)
    freedom = np.maximum(nights - 1, 1)
    width = (
        stdtrit(freedom, 1 - rule.error / judged / 2) * scatter * np.sqrt(1 + bridges + 1 / nights)
    )
    low, high = change - width, change + width
    slower = (low > 0) & (change >= floor)
    faster = (high < 0) & (change <= -floor)
    same = (low > -floor) & (high < floor)
    again, over = _again(pairs[:, rule.pairs :] - usual[:, None], floor, rule)
    found = np.select([slower & again, faster, same], [0, 1, 2], 3)
    names: tuple[Verdict, ...] = ("slower", "faster", "same", "unclear")
    return NightJudged(
        verdicts=tuple(names[each] for each in found),
        usual=np.exp(usual),
        ratio=np.exp(change),
        low=np.exp(low),
        high=np.exp(high),
        nights=np.where(np.isnan(usual), 0, nights).astype(np.int64),
        open=~complete | (slower & ~again & ~over),
        refuted=slower & ~again & over,
    )


def mean_of(pairs: Float64Array) -> Float64Array:
    """The mean over the last axis of what is there; NaN where nothing is."""
    there = ~np.isnan(pairs)
    counts = np.count_nonzero(there, axis=-1).astype(np.float64)
    totals = np.where(there, pairs, 0.0).sum(axis=-1)
    unknown = np.full(counts.shape, np.nan)
    return np.asarray(np.divide(totals, counts, out=unknown, where=counts > 0))


def _usual(
    before: Float64Array, rule: NightRule
) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
    """Mean and standard deviation of the newest nights, the latter NaN with too few; and how many
    they are, at least one so that it can be divided by."""
    recent = before[:, -rule.most_nights :]
    nights = np.count_nonzero(~np.isnan(recent), axis=-1)
    usual = mean_of(recent)
    squares = np.nansum((recent - usual[:, None]) ** 2, axis=-1)
    scatter = np.sqrt(squares / np.maximum(nights - 1, 1))
    return usual, np.where(nights >= rule.least_nights, scatter, np.nan), np.maximum(nights, 1)


def _again(
    fresh: Float64Array, floor: Float64Array, rule: NightRule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the pairs that came after say so too; and whether there are no more to come."""
    counts = np.count_nonzero(~np.isnan(fresh), axis=-1)
    again = np.zeros(counts.shape, dtype=bool)
    levels = nominal_levels(rule.confirming, 2 * rule.confirming_error)
    for look, level in zip(rule.confirming, levels, strict=True):
        if fresh.shape[1] >= look:
            found = ratios_of_pairs(fresh[:, :look], level)
            passes = (found.low > 1) & (np.log(found.ratio) >= CONFIRMING_SHARE * floor)
            again |= (counts >= look) & passes
    return again, counts >= rule.confirming[-1]
