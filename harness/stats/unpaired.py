"""The ratio of two runs that were measured one after the other. The launch is the unit, and what
runs of unchanged things scatter by bounds what can be said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from harness.stats.components import Components, Float64Array
from harness.stats.judge import Verdict, verdicts_of

ERROR = 0.05
"""Of a whole comparison: how often one of things that are equal claims any difference."""

LEAST_FREEDOM = 3
"""Below it a spread is known so badly that nothing is claimed from it."""

FEW_LAUNCHES = 4
FEW_FREEDOM = 8

_WIDEST = 20.0
"""Of a half interval of logarithms: what is wider says nothing either, and overflows."""

_LAUNCHES = (*range(2, 11), 12, 15, 20, 25, 30)
_RUNS = (*range(1, 11), 12, 15, 20)
"""What is worth advising; who needs more does better in turns."""


@dataclass(frozen=True, kw_only=True)
class RunRatios:
    """candidate / base of each case, arrays of shape (cases,); above 1 the candidate takes more.

    `ratio`: of the geometric means of launch medians, NaN where a side has none. `low`, `high`:
    an interval with all cases' error shared out; NaN where the spread between runs is unknown.
    `freedom`: its degrees of freedom. `warnings`: of each case.
    """

    ratio: Float64Array
    low: Float64Array
    high: Float64Array
    freedom: Float64Array
    warnings: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Runs as they are compared: `launches` of each side and the log `centre` of the ratio, shape
    (cases,); `machines`: the spread of both sides' runs, or of each side's own; `level`: the error
    of one case's interval."""

    launches: tuple[Float64Array, Float64Array]
    centre: Float64Array
    machines: tuple[Components, ...]
    level: float


def apart(
    base: ArrayLike, candidate: ArrayLike, machines: Sequence[Components], error: float = ERROR
) -> Apart:
    """`base`, `candidate`: launch medians in seconds, shape (cases, launches), NaN where there is
    none. `machines`: `Components` from the history that both sides share; from two histories, of
    the base's and the candidate's machine, where they do not. The error is shared equally among
    the cases (Bonferroni) that a side's spread is known of. Raises ValueError for values that are
    not positive."""
    (n, first), (m, second) = _centre(base), _centre(candidate)
    known = np.logical_and.reduce([each.between_freedom >= LEAST_FREEDOM for each in machines])
    judged = np.count_nonzero(known & ~np.isnan(second - first))
    return Apart(
        launches=(n, m),
        centre=second - first,
        machines=tuple(machines),
        level=error / max(int(judged), 1),
    )


def ratios_of_runs(runs: Apart) -> RunRatios:
    """The difference of two run means of logarithms has the variance

        2 τ² + σ² (1/n + 1/m)  =  2 B + W (1/n + 1/m - 2 h)

    with B, W and h the `between`, `within` and `inverse_launches` of history (of two machines:
    B₁ + B₂ + …). Where both sides have as many launches as history's runs, that is 2 B, and
    Student's t with B's degrees of freedom is exact. With fewer, W is added and the smaller of the
    degrees of freedom taken, which errs on the safe side (Mickey and Brown, Annals of Mathematical
    Statistics 37, 1966). With more, W is taken off, never below what the launches alone make, and
    the degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946; with a difference:
    Gaylor and Hopper, Technometrics 11, 1969).

    The compared runs must not be among those that B is from. A slow change of speed widens B where
    it is as quick as history is long; what is slower than that B does not know.
    """
    width, freedom = _width(*runs.launches, runs.machines, runs.level)
    return RunRatios(
        ratio=np.exp(runs.centre),
        low=np.exp(runs.centre - width),
        high=np.exp(runs.centre + width),
        freedom=freedom,
        warnings=tuple(
            tuple(_warnings(int(n), int(m), float(known)))
            for n, m, known in zip(*runs.launches, freedom, strict=True)
        ),
    )


def judge_runs(found: RunRatios, floors: ArrayLike) -> tuple[Verdict, ...]:
    """What the intervals say by themselves. `floors`: the smallest effect that matters, 0.02 being
    2 %, one number or one a case. Over all cases the error is `ERROR`, whatever the floors."""
    return verdicts_of(found.ratio, found.low, found.high, floors)


def launches_wanted(runs: Apart, floors: ArrayLike) -> NDArray[np.int64]:
    """Of each case, how many launches a side would decide, were the effect and the spread as they
    seem now; 0 where none of a number worth measuring would."""
    n, m = runs.launches
    futures = (
        (count, replace(runs, launches=(np.maximum(n, count), np.maximum(m, count))))
        for count in _LAUNCHES
    )
    return _first(runs, futures, floors)


def runs_wanted(runs: Apart, floors: ArrayLike) -> NDArray[np.int64]:
    """Likewise how many more runs in the history, of things that do not change: they do not make
    the spread smaller, but better known."""
    futures = ((count, _longer(runs, count)) for count in _RUNS)
    return _first(runs, futures, floors)


def _longer(runs: Apart, count: int) -> Apart:
    machines = tuple(
        replace(each, between_freedom=each.between_freedom + count) for each in runs.machines
    )
    return replace(runs, machines=machines)


def _first(
    runs: Apart, futures: Iterator[tuple[int, Apart]], floors: ArrayLike
) -> NDArray[np.int64]:
    """The first number whose future has a verdict, of each case."""
    wanted = np.zeros(runs.centre.shape, dtype=np.int64)
    for count, future in futures:
        verdicts = judge_runs(ratios_of_runs(future), floors)
        settled = np.array([each != "unclear" for each in verdicts], dtype=bool)
        wanted[settled & (wanted == 0)] = count
    return wanted


def _centre(medians: ArrayLike) -> tuple[Float64Array, Float64Array]:
    """How many launches each case has, and the mean of their logarithms."""
    values = np.atleast_2d(np.asarray(medians, dtype=np.float64))
    if np.any(values <= 0):
        raise ValueError("launch medians must be positive")
    counts = np.count_nonzero(~np.isnan(values), axis=-1).astype(np.float64)
    totals = np.nansum(np.log(values), axis=-1)
    means = np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return counts, means


def _width(
    n: Float64Array, m: Float64Array, machines: tuple[Components, ...], level: float
) -> tuple[Float64Array, Float64Array]:
    """Half of the interval, of logarithms, and its degrees of freedom."""
    parts = list(_parts(1.0 / np.maximum(n, 1.0), 1.0 / np.maximum(m, 1.0), machines))
    whole = np.sum([each.runs + each.rest for each in parts], axis=0)
    variance = np.maximum(whole, np.sum([each.launches for each in parts], axis=0))
    doubts = [each.runs**2 / each.runs_freedom + each.rest**2 / each.rest_freedom for each in parts]
    doubt = np.sum(doubts, axis=0)
    known = np.minimum.reduce([each.between_freedom for each in machines])
    freedom = np.divide(variance**2, doubt, out=known.copy(), where=doubt > 0)
    freedom = np.clip(freedom, 1.0, np.maximum(known, 1.0))
    freedom = np.where(known >= LEAST_FREEDOM, freedom, np.nan)
    width = -stdtrit(freedom, level / 2) * np.sqrt(variance)
    return np.minimum(width, _WIDEST), freedom


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What one machine adds to the variance: by its runs; by launches, beside those in `runs`; and
    what the launches alone make."""

    runs: Float64Array
    runs_freedom: Float64Array
    rest: Float64Array
    rest_freedom: Float64Array
    launches: Float64Array


def _parts(
    of_base: Float64Array, of_candidate: Float64Array, machines: tuple[Components, ...]
) -> Iterator[_Part]:
    """`of_base`, `of_candidate`: 1 / launches."""
    shared = len(machines) == 1
    sides = (of_base + of_candidate,) if shared else (of_base, of_candidate)
    for each, inverse in zip(machines, sides, strict=True):
        runs = 2.0 if shared else 1.0
        beside = np.round(inverse - runs * each.inverse_launches, 12)
        within = np.nan_to_num(each.within)  # unknown only where no run has two launches
        yield _Part(
            runs=runs * each.between,
            runs_freedom=np.maximum(each.between_freedom, 1.0),
            rest=beside * within,
            rest_freedom=np.maximum(each.within_freedom, 1.0),
            launches=inverse * within,
        )


def _warnings(n: int, m: int, freedom: float) -> Iterator[str]:
    if n < FEW_LAUNCHES or m < FEW_LAUNCHES:
        yield f"{n} and {m} launches: the interval is wide"
    if freedom < FEW_FREEDOM:
        yield f"spread known from few runs ({freedom:.1f} degrees of freedom): the interval is wide"
