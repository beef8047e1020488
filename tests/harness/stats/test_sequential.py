"""Looks together err as often as they are allowed to, and no more."""

import math

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit
from scipy.stats import ttest_1samp

from harness.stats.sequential import nominal_levels, power_spending

ERROR = 0.05
FIVE = (1, 2, 3, 4, 5)


def obrien_fleming(information: float) -> float:
    """Lan and DeMets' function of that name, on both sides."""
    tail = 0.5 * math.erfc(-ndtri(ERROR / 4) / math.sqrt(2 * information))
    return 4 * tail / ERROR


def pocock(information: float) -> float:
    return math.log(1 + (math.e - 1) * information)


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        # Tables of Lan-DeMets boundaries, as of gsDesign and of Reboussin et al. 2000.
        (obrien_fleming, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        (pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_the_boundaries_are_the_published_ones(spending, published: list[float]) -> None:  # type: ignore[no-untyped-def]
    found = [-ndtri(level / 2) for level in nominal_levels(FIVE, ERROR, spending)]
    assert found == pytest.approx(published, abs=2e-4)


def test_one_look_is_an_ordinary_test() -> None:
    assert nominal_levels((7,), 0.03) == pytest.approx((0.03,))


def test_levels_do_not_depend_on_the_unit_of_information() -> None:
    assert nominal_levels((2, 4, 6), ERROR) == pytest.approx(nominal_levels((1, 2, 3), ERROR))


def test_the_shares_of_the_error_add_up() -> None:
    assert power_spending(0) == 0
    assert power_spending(1) == 1
    assert nominal_levels(FIVE, ERROR)[0] == pytest.approx(ERROR * 0.2**1.5)


@pytest.mark.parametrize("looks", [(4, 6, 8, 10, 12, 14, 16, 18, 20), (3, 20)])
def test_so_many_unchanged_series_are_called_changed(looks: tuple[int, ...]) -> None:
    """Simulated with t tests, for which the levels are an approximation."""
    trials = 40_000
    series = np.random.default_rng(7).normal(size=(trials, looks[-1]))
    alarmed = np.zeros(trials, dtype=bool)
    for look, level in zip(looks, nominal_levels(looks, ERROR), strict=True):
        seen = series[:, :look]
        t = seen.mean(axis=1) / (seen.std(axis=1, ddof=1) / math.sqrt(look))
        alarmed |= np.abs(t) > -stdtrit(look - 1, level / 2)
        assert ttest_1samp(seen[0], 0).statistic == pytest.approx(t[0])
    error = math.sqrt(ERROR * (1 - ERROR) / trials)
    assert alarmed.mean() == pytest.approx(ERROR, abs=0.003 + 4 * error)


@pytest.mark.parametrize("looks", [(), (0, 2), (2, 2), (3, 2)])
def test_looks_that_do_not_increase_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="increasing"):
        nominal_levels(looks, ERROR)


@pytest.mark.parametrize("error", [0.0, 1.0, -0.1, math.nan])
def test_an_error_that_is_none_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        nominal_levels((1, 2), error)
