"""Verdicts come when there is enough to say, and not before; what is slower must be so twice."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from harness.stats.judge import Rule, judge

RULE = Rule()
FLOOR = 0.02
NAN = math.nan
STEADY = (0.001, -0.001)
"""What two pairs in a row differ from the truth."""

Series = NDArray[np.float64]


def series(effect: float, pairs: int, *, width: int = RULE.most_pairs) -> list[float]:
    """So many pairs of that effect, nearly without noise."""
    found = [math.log1p(effect) + STEADY[pair % 2] for pair in range(pairs)]
    return found + [NAN] * (width - pairs)


def verdict(pairs: list[float], *others: list[float], floor: float = FLOOR) -> tuple[str, bool]:
    """Of the first of the cases, and whether it is open."""
    found = judge([pairs, *others], floor, RULE)
    return found.verdicts[0], bool(found.open[0])


@pytest.mark.parametrize(
    ("effect", "pairs", "expected"),
    [
        (0.10, 3, ("unclear", True)),  # nobody has looked yet
        (0.10, 4, ("unclear", True)),  # slower, but not confirmed
        (0.10, 6, ("unclear", True)),
        (0.10, 7, ("slower", False)),
        (-0.10, 3, ("unclear", True)),
        (-0.10, 6, ("unclear", True)),
        (-0.10, 7, ("faster", False)),
        (0.0, 4, ("same", False)),
        (0.015, 4, ("same", False)),  # it is slower, but by less than matters
        (-0.015, 4, ("same", False)),
    ],
)
def test_a_clear_case_is_decided_at_the_first_look(
    effect: float, pairs: int, expected: tuple[str, bool]
) -> None:
    assert verdict(series(effect, pairs)) == expected


def test_an_effect_about_the_floor_stays_open_to_the_last_look() -> None:
    at_floor = [math.log1p(FLOOR) - 1e-3 + 5 * STEADY[pair % 2] for pair in range(20)]
    for pairs in (4, 11, 19):
        assert verdict(at_floor[:pairs] + [NAN] * (32 - pairs)) == ("unclear", True)
    assert verdict(at_floor + [NAN] * 12) == ("unclear", False)


@pytest.mark.parametrize("effect", [0.10, -0.10])
def test_what_new_pairs_do_not_confirm_is_no_difference(effect: float) -> None:
    first = series(effect, 4, width=4)
    for later, expected in ((3, True), (11, True), (12, False)):
        found = judge([first + series(0.0, later, width=28)], FLOOR, RULE)
        assert found.verdicts == ("unclear",)
        assert (bool(found.open[0]), bool(found.refuted[0])) == (expected, not expected)


def test_confirming_takes_as_many_pairs_as_it_needs() -> None:
    noisy = [0.0, 0.2, 0.0, 0.2, 0.1, 0.1, 0.1, 0.1]
    first = series(0.10, 4, width=4)
    assert verdict(first + noisy[:3] + [NAN] * 25) == ("unclear", True)
    assert verdict(first + noisy + [NAN] * 20) == ("slower", False)


def test_the_more_cases_the_more_one_must_show() -> None:
    pairs = [math.log1p(0.05) + 6 * STEADY[pair % 2] for pair in range(4)] + [NAN] * 28
    alone = judge([pairs], FLOOR, RULE)
    among_many = judge([pairs] * 1000, FLOOR, RULE)
    assert alone.ratios.low[0] > 1 > among_many.ratios.low[0]


def test_every_case_has_its_floor_and_its_own_time() -> None:
    cases = [series(0.04, 7), series(0.04, 7), series(0.0, 0), series(0.0, 32)]
    found = judge(cases, [0.02, 0.1, 0.02, 0.02], RULE)
    assert found.verdicts == ("slower", "same", "unclear", "same")
    assert found.open.tolist() == [False, False, True, False]


def test_who_has_a_larger_share_of_the_error_need_show_less() -> None:
    pairs = [math.log1p(0.05) + 6 * STEADY[pair % 2] for pair in range(4)] + [NAN] * 28
    equal, favoured = judge([pairs] * 2, FLOOR, RULE), judge([pairs] * 2, FLOOR, RULE, [0.9, 0.1])
    assert favoured.ratios.low[0] > equal.ratios.low[0] == equal.ratios.low[1]
    assert equal.ratios.low[1] > favoured.ratios.low[1]
    noisy = [(-1) ** pair * 0.06 for pair in range(20)] + [NAN] * 12
    wanted = judge([noisy] * 2, FLOOR, RULE, [0.9, 0.1]).enough
    assert 20 < wanted[0] < wanted[1]


def test_more_than_the_whole_error_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        judge([series(0.0, 4)] * 2, FLOOR, RULE, [0.9, 0.2])


def test_a_missing_pair_before_another_is_refused() -> None:
    with pytest.raises(ValueError, match="follow one another"):
        judge([[0.1, NAN, 0.1]], FLOOR, RULE)


def test_nothing_to_judge_is_no_error() -> None:
    assert judge(np.empty((0, 32)), FLOOR, RULE).verdicts == ()


MANY = arrays(float, st.tuples(st.integers(1, 5), st.just(32)), elements=st.floats(-0.2, 0.2))


@given(MANY)
def test_sides_swapped_swap_the_verdict(pairs: Series) -> None:
    before, after = judge(pairs, FLOOR, RULE), judge(-pairs, FLOOR, RULE)
    swapped = {"slower": "faster", "faster": "slower"}
    assert [swapped.get(each, each) for each in before.verdicts] == list(after.verdicts)
    np.testing.assert_allclose(before.ratios.ratio, 1 / after.ratios.ratio)


@given(MANY, st.randoms())
def test_the_order_of_cases_does_not_matter(pairs: Series, random) -> None:  # type: ignore[no-untyped-def]
    order = random.sample(range(len(pairs)), len(pairs))
    before, after = judge(pairs, FLOOR, RULE), judge(pairs[order], FLOOR, RULE)
    assert [before.verdicts[index] for index in order] == list(after.verdicts)


@given(MANY, st.integers(0, 31))
def test_what_is_decided_stays_decided(pairs: Series, until: int) -> None:
    """Whoever reads the stored pairs later comes to the same verdict as who stopped there."""
    partial = pairs.copy()
    partial[:, until:] = NAN
    early, late = judge(partial, FLOOR, RULE), judge(pairs, FLOOR, RULE)
    for case in np.flatnonzero(~early.open):
        assert early.verdicts[case] == late.verdicts[case]


def test_equal_things_are_called_different_as_rarely_as_promised() -> None:
    """Heavy tails (Student's t with 3 degrees of freedom), as launches have; without a floor, which
    would let nearly nothing pass."""
    trials, cases = 2000, 3
    noise = np.random.default_rng(11).standard_t(3, size=(trials, cases, RULE.most_pairs)) * 0.015
    found = [judge(each, 1e-9, RULE).verdicts for each in noise]
    claimed = sum("slower" in each or "faster" in each for each in found)
    assert 0 < claimed / trials <= RULE.error * RULE.confirming_error
    found = [judge(each, FLOOR, RULE).verdicts for each in noise[:500]]
    assert sum("slower" in each or "faster" in each for each in found) <= 1


def test_a_slowdown_of_five_percent_is_found() -> None:
    trials = 1000
    noise = np.random.default_rng(12).standard_t(4, size=(trials, 3, RULE.most_pairs)) * 0.015
    found = [judge(each + math.log1p(0.05), FLOOR, RULE).verdicts for each in noise]
    share = sum(each.count("slower") for each in found) / (3 * trials)
    assert share >= 0.95
