"""How far runs of one machine lie apart though nothing changed: a variance in two parts.

A run draws its own luck (the machine's mood, its temperature, its neighbours), and each launch
within it draws another (memory layout, placement of threads). Of the logarithms of launch medians:

    run r of a group, launch i:  y = group + run + launch,  Var(run) = τ²,  Var(launch) = σ²

Within a group nothing changed, so that the means of its runs scatter by τ² + σ²/n and nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Components:
    """Arrays of shape (cases,), variances of logarithms; NaN with no degree of freedom.

    `between`: the variance of a run's mean, τ² + σ² · `inverse_launches`: what its launches add is
    in it, as many as the runs of history had (`inverse_launches`: their mean of 1 / launches).
    `within`: σ². The `_freedom`s are their degrees of freedom.
    """

    between: Float64Array
    between_freedom: Float64Array
    inverse_launches: Float64Array
    within: Float64Array
    within_freedom: Float64Array


def components_of(
    medians: ArrayLike, *, runs: ArrayLike, groups: ArrayLike, cases: ArrayLike, count: int
) -> Components:
    """Unweighted sums of squares of runs and launches (Thomas and Hultquist, Annals of Statistics
    6, 1978; the usual analysis of variance where all runs have as many launches), pooled over the
    groups of a case.

    All arrays are of shape (launches,): seconds, and which run, group and case each belongs to, as
    numbers from 0 (cases below `count`; a run's number is of one case, so is a group's). A group of
    one run tells something of `within` alone. A trend within a group counts as spread, which can
    only widen what is said from it. Raises ValueError for times that are not positive.
    """
    logs = _logs(medians)
    run_of, group_of, case_of = (np.asarray(each, dtype=np.int64) for each in (runs, groups, cases))
    run, launches, means = _centres(logs, run_of)
    inside = _sums(run_of, (logs - means[run_of]) ** 2, len(means))
    _, one = np.unique(run_of, return_index=True)  # where a launch of each run is
    case, group = case_of[one], group_of[one]
    _, sizes, centres = _centres(means[run], group)
    several = sizes[group]
    outside = (means[run] - centres[group]) ** 2
    share = 1.0 - 1.0 / several
    freedom = np.round(_sums(case, share, count), 6)  # of fractions that make a whole number
    within_freedom = _sums(case, launches[run] - 1.0, count)
    return Components(
        between=_over(_sums(case, outside, count), freedom),
        between_freedom=freedom,
        inverse_launches=_over(_sums(case, share / launches[run], count), freedom),
        within=_over(_sums(case, inside[run], count), within_freedom),
        within_freedom=within_freedom,
    )


def _logs(medians: ArrayLike) -> Float64Array:
    values = np.asarray(medians, dtype=np.float64)
    if np.any(values <= 0):
        raise ValueError("launch medians must be positive")
    return np.log(values)


def _centres(
    values: Float64Array, of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Float64Array, Float64Array]:
    """The numbers that occur in `of`; how often each does, and its values' mean, by number."""
    counts = np.asarray(np.bincount(of), dtype=np.float64)
    means = _sums(of, values, len(counts)) / np.maximum(counts, 1.0)
    return np.flatnonzero(counts), counts, means


def _sums(of: NDArray[np.int64], values: Float64Array, count: int) -> Float64Array:
    """By number."""
    return np.asarray(np.bincount(of, values, minlength=count), dtype=np.float64)


def _over(sums: Float64Array, freedom: Float64Array) -> Float64Array:
    unknown = np.full(len(sums), np.nan)
    return np.asarray(np.divide(sums, freedom, out=unknown, where=freedom > 0))
