"""Series whose changes are known, because they were made: by seed, the same for everyone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Floats]

SPREAD = 0.03
"""Standard deviation of a night's logarithm."""

STEP = np.log(1.05)
NEAR = 10
"""Points by which a change may be missed and still be right."""


def gaussian(source: np.random.Generator, count: int) -> Floats:
    return SPREAD * source.standard_normal(count)


def with_outliers(source: np.random.Generator, count: int) -> Floats:
    """Lognormal times, of which 2 % take half as long again on average."""
    hiccups = np.log1p(source.exponential(0.5, count))
    return gaussian(source, count) + np.where(source.random(count) < 0.02, hiccups, 0.0)


def heavy_tailed(source: np.random.Generator, count: int) -> Floats:
    """Student's t with 3 degrees of freedom."""
    return np.asarray(SPREAD / np.sqrt(3) * source.standard_t(3, count))


def moods(source: np.random.Generator, count: int) -> Floats:
    """Nights that resemble the ones before: an autoregression of the first order, 0.5."""
    found = gaussian(source, count)
    for night in range(1, count):
        found[night] = 0.5 * found[night - 1] + np.sqrt(0.75) * found[night]
    return found


def drifting(source: np.random.Generator, count: int) -> Floats:
    """Two per cent slower from the first night to the last, and no step."""
    return gaussian(source, count) + np.linspace(0.0, np.log(1.02), count)


@dataclass(frozen=True, kw_only=True)
class Series:
    """`values`: positive, one a night; `steps`: the first night after each change."""

    values: Floats
    steps: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Task:
    """`delayed`: it is asked how many nights after a step that is found, not whether it is."""

    name: str
    series: tuple[Series, ...] = field(repr=False)
    delayed: bool = False


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """`scale`: of how many series there are. By no seed that the constants were chosen with."""
    many = round(1000 * scale)
    yield Task(name="Gaussian noise", series=_series(gaussian, many, 100, 0, seed=11))
    outliers = _series(with_outliers, many, 100, 0, seed=12)
    yield Task(name="lognormal noise with 2 % outliers", series=outliers)
    for nights, seed in ((10, 13), (30, 14), (1000, 15)):
        some = _series(gaussian, many if nights < 1000 else many // 2, nights, 0, seed=seed)
        yield Task(name=f"Gaussian noise of {nights} nights", series=some)
    alike = _series(moods, many, 100, 0, seed=16)
    yield Task(name="nights that resemble the ones before", series=alike)
    yield Task(name="a drift of 2 %", series=_series(drifting, many, 100, 0, seed=17))
    three = _series(gaussian, round(200 * scale), 1000, 3, seed=18)
    yield Task(name="three steps of 5 % in 1000 nights", series=three)
    one = _series(heavy_tailed, round(500 * scale), 100, 1, seed=19)
    yield Task(name="one step of 5 % in 100 heavy-tailed nights", series=one)
    late = _series(gaussian, round(100 * scale), 160, 1, seed=20, at=(100,))
    yield Task(name="nights until a step of 5 % is found", series=late, delayed=True)


def _series(
    noise: Noise, many: int, count: int, steps: int, *, seed: int, at: tuple[int, ...] = ()
) -> tuple[Series, ...]:
    source = np.random.default_rng(seed)
    return tuple(
        _one(noise, source, count, at or _places(source, count, steps)) for _ in range(many)
    )


def _places(source: np.random.Generator, count: int, steps: int) -> tuple[int, ...]:
    """Random ones, a tenth of the series from its ends and from each other at least."""
    apart = count // 10
    free = count - 2 * apart - apart * (steps - 1)
    places = np.sort(source.integers(0, free, size=steps))
    return tuple(int(place) for place in places + apart * np.arange(1, steps + 1))


def _one(noise: Noise, source: np.random.Generator, count: int, steps: tuple[int, ...]) -> Series:
    logs = noise(source, count)
    for place in steps:
        logs[place:] += STEP * source.choice((-1.0, 1.0))
    return Series(values=np.exp(logs), steps=steps)
