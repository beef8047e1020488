"""The ratio of two runs: its range holds the true ratio as often as it says."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.unpaired import ratio_of_runs

MEDIANS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=8)


def test_a_ratio_in_closed_form() -> None:
    result = ratio_of_runs([1.0, 2.0, 4.0], [3.0, 3.0, 6.0, 6.0])
    assert result.ratio == 2.25
    assert result.low == 3.0 / 4.0
    assert result.high == 6.0
    assert result.coverage == 1 - 2 / 35


def test_one_launch_each_promises_nothing() -> None:
    result = ratio_of_runs([1.0], [2.0])
    assert result.coverage == 0.0
    assert any("0%" in warning for warning in result.warnings)


def test_it_always_warns_that_the_machine_may_have_changed() -> None:
    few, many = ratio_of_runs([1.0] * 3, [1.0] * 3), ratio_of_runs([1.0] * 5, [1.0] * 5)
    assert "not measured in turns" in few.warnings[0]
    assert "3 and 3 launches: the range holds the ratio with 90%" in few.warnings
    assert len(many.warnings) == 1
    assert "not measured in turns" in many.warnings[0]


@pytest.mark.parametrize(("base", "candidate"), [([], [1.0]), ([1.0], []), ([0.0], [1.0])])
def test_what_is_not_positive_is_refused(base: list[float], candidate: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        ratio_of_runs(base, candidate)


@given(MEDIANS, MEDIANS, st.integers(-20, 20))
def test_another_unit_does_not_change_the_ratio(
    base: list[float], candidate: list[float], power: int
) -> None:
    scale = 2.0**power  # exact in binary
    scaled = ratio_of_runs([scale * x for x in base], [scale * x for x in candidate])
    assert scaled == ratio_of_runs(base, candidate)


@given(MEDIANS, MEDIANS)
def test_swapping_the_runs_inverts_the_ratio(base: list[float], candidate: list[float]) -> None:
    there, back = ratio_of_runs(base, candidate), ratio_of_runs(candidate, base)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.low == pytest.approx(1 / back.high)
    assert there.high == pytest.approx(1 / back.low)
    assert there.coverage == back.coverage


@given(MEDIANS, MEDIANS)
def test_the_order_of_launches_does_not_matter(base: list[float], candidate: list[float]) -> None:
    assert ratio_of_runs(base[::-1], sorted(candidate)) == ratio_of_runs(base, candidate)


@given(MEDIANS, MEDIANS)
def test_the_ratio_lies_in_its_range(base: list[float], candidate: list[float]) -> None:
    result = ratio_of_runs(base, candidate)
    assert result.low * (1 - 1e-12) <= result.ratio <= result.high * (1 + 1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (2, 5), (5, 5)])
def test_the_range_holds_the_true_ratio_as_often_as_it_says(n: int, m: int) -> None:
    """Launches that are exchangeable but for a factor: any distribution gives the same rate."""
    dice, trials, truth = np.random.default_rng(7), 4000, 1.3
    launches = np.exp(dice.standard_t(3, size=(trials, n + m)))
    results = [ratio_of_runs(row[:n], truth * row[n:]) for row in launches]
    held = np.mean([each.low < truth < each.high for each in results])
    promised = 1 - 2 / comb(n + m, n)
    assert results[0].coverage == pytest.approx(promised)
    assert abs(held - promised) < 4 * np.sqrt(promised * (1 - promised) / trials)
