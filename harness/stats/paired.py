"""The ratio of two sides that were measured in turns. The launch pair is the unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

Float64Array = NDArray[np.float64]

FEW_PAIRS = 4
FEW_ROUNDS = 7


@dataclass(frozen=True, kw_only=True)
class PairedRatios:
    """candidate / base of each case, all arrays of shape (cases,); above 1 it takes more.

    `ratio`: the geometric mean over pairs of each pair's median ratio over rounds. `low`, `high`:
    Student's interval for it, of logarithms. `p`: two-sided, of a ratio of 1. With fewer than
    two pairs interval and p are NaN, without any the ratio too. `spread`: the standard deviation
    of a pair's logarithm. `warnings`: of each case.
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
    interval's error (0.05: 95 %), a number or one of each case."""
    logs = np.atleast_2d(np.asarray(pairs, dtype=np.float64))
    counts = np.count_nonzero(~np.isnan(logs), axis=-1)
    some, several = counts > 0, counts > 1
    totals = np.nansum(logs, axis=-1)
    centre = np.divide(totals, counts, out=np.full(counts.shape, np.nan), where=some)
    squares = np.nansum((logs - centre[:, None]) ** 2, axis=-1)
    freedom = np.where(several, counts - 1, 1)
    spread = np.where(several, np.sqrt(squares / freedom), np.nan)
    error = spread / np.sqrt(np.where(some, counts, 1))
    width = -stdtrit(freedom, np.broadcast_to(np.asarray(level) / 2, counts.shape)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(centre == 0, 0.0, np.abs(centre) / error)
    return PairedRatios(
        ratio=np.exp(centre),
        low=np.exp(centre - width),
        high=np.exp(centre + width),
        p=np.where(several, 2 * stdtr(freedom, -t), np.nan),
        pairs=counts,
        spread=spread,
        warnings=tuple(_warnings(int(count)) for count in counts),
    )


def _warnings(pairs: int) -> tuple[str, ...]:
    if pairs < 2:
        return (f"{pairs} launch pair(s): no interval",)
    if pairs < FEW_PAIRS:
        return (f"{pairs} launch pairs: the interval is wide",)
    return ()
