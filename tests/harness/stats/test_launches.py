"""The centre and range of launch medians."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.launches import positive, summarise

MEDIANS = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=20)


def test_a_summary_in_closed_form() -> None:
    summary = summarise([4.0, 1.0, 2.0])
    assert (summary.median, summary.low, summary.high) == (2.0, 1.0, 4.0)
    assert summary.launches == 3
    assert summary.spread == 1.5
    assert summarise([4.0, 1.0, 2.0, 3.0]).median == 2.5


def test_one_launch_has_no_spread() -> None:
    summary = summarise([0.25])
    assert (summary.median, summary.spread, summary.launches) == (0.25, 0.0, 1)


@pytest.mark.parametrize("values", [[], [0.0], [1.0, -1.0], [1.0, float("nan")], [[1.0, 2.0]], 1.0])
def test_what_is_no_row_of_positive_numbers_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        summarise(values)


def test_values_come_as_float64() -> None:
    assert positive([1, 2]).dtype == "float64"


@given(MEDIANS, st.randoms())
def test_the_order_of_launches_does_not_matter(medians: list[float], dice: Random) -> None:
    shuffled = sorted(medians, key=lambda _: dice.random())
    assert summarise(shuffled) == summarise(medians)


@given(MEDIANS, st.integers(-20, 20))
def test_another_unit_changes_nothing_but_the_unit(medians: list[float], power: int) -> None:
    scale = 2.0**power  # exact in binary
    summary, scaled = summarise(medians), summarise([scale * x for x in medians])
    assert scaled.median == scale * summary.median
    assert scaled.spread == summary.spread


@given(MEDIANS)
def test_the_centre_lies_within_the_range(medians: list[float]) -> None:
    summary = summarise(medians)
    assert min(medians) == summary.low <= summary.median <= summary.high == max(medians)
