"""As many rounds as their scatter asks for, within bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.rounds import MOST_TIMES, rounds_wanted

LEAST = 21


def pairs(scatter: float, *, count: int = 400, rounds: int = LEAST) -> list[list[float]]:
    source = np.random.default_rng(3)
    return source.normal(0, scatter, size=(count, rounds)).tolist()  # type: ignore[no-any-return]


def test_as_many_as_the_error_of_a_normal_median_asks_for() -> None:
    """Its variance is π/2 of that of a mean, for many; of few it is guessed on the safe side."""
    normal = np.pi / 2 * 25
    assert rounds_wanted(pairs(0.05, rounds=101), 0.01, LEAST) == pytest.approx(normal, rel=0.2)
    assert normal < rounds_wanted(pairs(0.05), 0.01, LEAST) < 1.8 * normal


def test_who_went_first_is_no_scatter() -> None:
    order = 0.1 * (-1) ** np.arange(LEAST)
    found = [order + np.array(each) for each in pairs(0.001, count=5)]
    assert rounds_wanted(found, 0.01, LEAST) == LEAST


def test_never_fewer_nor_many_times_more() -> None:
    assert rounds_wanted(pairs(0.001), 0.01, LEAST) == LEAST
    assert rounds_wanted(pairs(1.0), 0.01, LEAST) == MOST_TIMES * LEAST


def test_where_nothing_is_known_the_least() -> None:
    assert rounds_wanted([], 0.01, LEAST) == LEAST
    assert rounds_wanted([[0.1], [0.1, 0.5]], 0.01, LEAST) == LEAST
    assert rounds_wanted([[0.1] * 6], 0.01, LEAST) == LEAST


@given(st.floats(0.001, 0.2), st.floats(0.002, 0.05), st.floats(-1, 1))
def test_what_the_ratio_is_does_not_matter(scatter: float, error: float, shift: float) -> None:
    found = pairs(scatter, count=5)
    shifted = [[each + shift for each in pair] for pair in found]
    assert abs(rounds_wanted(found, error, LEAST) - rounds_wanted(shifted, error, LEAST)) <= 1
