"""The ratio of two sides that were measured in turns. The launch pair is the unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Float64Array = NDArray[np.float64]

TRIMMED = 0.1
"""Of the pairs, at either end. A launch that drew a bad memory layout, or a neighbour that came for
its rounds, makes a pair that lies far out; one in ten must not decide. Of fewer than ten pairs
nothing is left out: those that remain could not tell what is far."""

FEW_PAIRS = 4
FEW_ROUNDS = 7


@dataclass(frozen=True, kw_only=True)
class PairedRatios:
    """candidate / base of each case, all arrays of shape (cases,); above 1 it takes more.

    `ratio`: the trimmed geometric mean over pairs of each pair's median ratio over rounds. `low`,
    `high`: the interval for it of Tukey and McLaughlin. `p`: two-sided, of a ratio of 1. With fewer
    than two pairs interval and p are NaN, without any the ratio too. `spread`: the standard
    deviation of a pair's logarithm, as the interval takes it. `warnings`: of each case.
    """

    ratio: Float64Array
    low: Float64Array
    high: Float64Array
    p: Float64Array
    pairs: NDArray[np.int64]
    spread: Float64Array
    warnings: tuple[tuple[str, ...], ...]


def log_ratios(base: ArrayLike, candidate: ArrayLike) -> Float64Array:
    """Of each launch pair log(candidate / base): the median over the rounds in which one side went
    first, and that over those in which the other did, averaged.

    `base`, `candidate`: seconds of rounds that were each other's turn, in their order, shape
    (..., rounds), NaN where there was none. A round and its turn lie milliseconds apart, so that
    the machine's speed cancels; medians let no single hiccup decide. Who goes second finds the
    caches as the other left them, and its ratio is off by up to a tenth: every second round the
    other way (A B, B A), so that the two kinds of rounds have medians of their own. Raises
    ValueError for shapes that differ and for values that are not positive.
    """
    first, second = np.asarray(base, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"turns come in pairs: {first.shape} and {second.shape} do not")
    if np.any(first <= 0) or np.any(second <= 0):
        raise ValueError("times must be positive")
    rounds = np.log(second) - np.log(first)
    one, other = _medians(rounds[..., ::2]), _medians(rounds[..., 1::2])
    both = (one + other) / 2
    return np.where(np.isnan(one), other, np.where(np.isnan(other), one, both))


def _medians(rounds: Float64Array) -> Float64Array:
    """Over the last axis; NaN where there is nothing."""
    empty = np.asarray(np.isnan(rounds).all(axis=-1))
    if rounds.shape[-1] == 0:
        return np.full(rounds.shape[:-1], np.nan)
    known = np.where(empty[..., None], 0.0, rounds)  # nanmedian would warn of them
    return np.where(empty, np.nan, np.nanmedian(known, axis=-1))


def ratios_of_pairs(pairs: ArrayLike, level: ArrayLike) -> PairedRatios:
    """`pairs`: log ratios, shape (cases, pairs), NaN where a pair is missing; `level`: of the
    interval's error (0.05: 95 %), a number or one of each case.

    The mean of what is left when `TRIMMED` is taken away at either end. Its error is that of the
    winsorised pairs, Student's with as many degrees of freedom as pairs are left, less one (Tukey
    and McLaughlin, Sankhya A 25, 1963; Yuen, Biometrika 61, 1974).
    """
    logs = np.sort(np.atleast_2d(np.asarray(pairs, dtype=np.float64)), axis=-1)  # NaN to the end
    counts = np.count_nonzero(~np.isnan(logs), axis=-1)
    least, most = kept(counts)
    left = most - least
    some, several = counts > 0, counts > 1
    place = np.arange(logs.shape[-1])
    within = (place >= least[:, None]) & (place < most[:, None])
    centre = np.divide(
        np.where(within, logs, 0.0).sum(axis=-1),
        left,
        out=np.full(counts.shape, np.nan),
        where=some,
    )
    freedom = np.where(several, left - 1, 1)
    squares = _winsorised_squares(logs, counts, least, most)
    error = np.where(several, np.sqrt(squares / (np.where(several, left, 1) * freedom)), np.nan)
    width = -stdtrit(freedom, np.broadcast_to(np.asarray(level) / 2, counts.shape)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(centre == 0, 0.0, np.abs(centre) / error)
    return PairedRatios(
        ratio=np.exp(centre),
        low=np.exp(centre - width),
        high=np.exp(centre + width),
        p=np.where(several, 2 * stdtr(freedom, -t), np.nan),
        pairs=counts,
        spread=error * np.sqrt(counts),
        warnings=tuple(_warnings(int(count)) for count in counts),
    )


def kept(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of so many pairs in ascending order, which are left: from, and up to, not including."""
    trimmed = np.floor(counts * TRIMMED).astype(np.int64)
    return trimmed, counts - trimmed


def _winsorised_squares(
    logs: Float64Array, counts: NDArray[np.int64], least: NDArray[np.int64], most: NDArray[np.int64]
) -> Float64Array:
    """The sum of squares about their mean, those that were trimmed moved to the next that was not.
    `logs`: ascending, NaN at the end."""
    if logs.shape[-1] == 0:
        return np.zeros(counts.shape)
    ends = np.stack([least, np.maximum(most - 1, 0)], axis=-1)
    low, high = np.moveaxis(np.take_along_axis(logs, ends, axis=-1), -1, 0)
    moved = np.clip(logs, low[:, None], high[:, None])
    mean = np.nansum(moved, axis=-1) / np.maximum(counts, 1)
    return np.asarray(np.nansum((moved - mean[:, None]) ** 2, axis=-1))


def _warnings(pairs: int) -> tuple[str, ...]:
    if pairs < 2:
        return (f"{pairs} launch pair(s): no interval",)
    if pairs < FEW_PAIRS:
        return (f"{pairs} launch pairs: the interval is wide",)
    return ()
