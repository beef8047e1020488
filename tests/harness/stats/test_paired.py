"""The ratio of launch pairs: agrees with SciPy, and does not mind what should not matter."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.stats import t, trim_mean, ttest_ind

from harness.stats.paired import TRIMMED, kept, log_ratios, ratios_of_pairs

TIMES = st.floats(1e-6, 1e3)
PAIRS = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=20).filter(lambda x: np.std(x) > 1e-6)
ROUNDS = array_shapes(min_dims=1, max_dims=3, max_side=6).flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=TIMES), arrays(float, shape, elements=TIMES)
    )
)
Both = tuple[NDArray[np.float64], NDArray[np.float64]]


@given(ROUNDS)
def test_a_pair_s_ratio_is_that_of_the_medians_of_either_order(both: Both) -> None:
    base, candidate = both
    logs = np.log(candidate / base)
    halves = [np.median(half, axis=-1) for half in (logs[..., ::2], logs[..., 1::2]) if half.size]
    np.testing.assert_allclose(log_ratios(base, candidate), np.mean(halves, axis=0), atol=1e-12)


@pytest.mark.parametrize("rounds", [20, 21])
def test_who_goes_second_may_be_slower(rounds: int) -> None:
    """By a tenth: of an odd number of turns the median of all would be off by as much."""
    order = np.arange(rounds) % 2
    found = log_ratios(1 + 0.1 * order, 1 + 0.1 * (1 - order))
    assert found == pytest.approx(0)


@given(ROUNDS)
def test_sides_swapped_give_the_inverse(both: Both) -> None:
    base, candidate = both
    assert np.array_equal(log_ratios(base, candidate), -log_ratios(candidate, base))


@given(ROUNDS, st.integers(-20, 20))
def test_another_unit_changes_nothing(both: Both, power: int) -> None:
    base, candidate = both
    scaled = log_ratios(base * 2.0**power, candidate * 2.0**power)
    np.testing.assert_allclose(scaled, log_ratios(base, candidate), atol=1e-12)


def test_turns_that_were_not_measured_do_not_count() -> None:
    base, candidate = [[1.0, math.nan, 1.0], [math.nan] * 3], [[2.0, 2.0, 2.0], [2.0] * 3]
    assert log_ratios(base, candidate)[0] == math.log(2)
    assert math.isnan(log_ratios(base, candidate)[1])


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="come in pairs"):
        log_ratios([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="positive"):
        log_ratios([1.0], [0.0])


@given(PAIRS, st.sampled_from([0.5, 0.05, 0.001]))
def test_interval_and_p_are_scipy_s(pairs: list[float], level: float) -> None:
    """Yuen's test against a sample that does not scatter is that of one sample."""
    ours = ratios_of_pairs([pairs], level)
    theirs = ttest_ind(pairs, [0.0] * 10, equal_var=False, trim=TRIMMED)
    centre = trim_mean(pairs, TRIMMED)
    assert math.log(ours.ratio[0]) == pytest.approx(centre, abs=1e-12)
    assume(abs(centre) > 1e-9 and ours.spread[0] > 1e-9)  # else its t is 0 / 0
    assert ours.p[0] == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    width = -t.ppf(level / 2, theirs.df) * abs(centre / theirs.statistic)
    assert math.log(ours.low[0]) == pytest.approx(centre - width, abs=1e-9)
    assert math.log(ours.high[0]) == pytest.approx(centre + width, abs=1e-9)


@pytest.mark.parametrize(
    ("pairs", "left"), [(0, 0), (1, 1), (9, 9), (10, 8), (19, 17), (20, 16), (30, 24)]
)
def test_a_tenth_is_taken_away_at_either_end(pairs: int, left: int) -> None:
    least, most = kept(np.array([pairs]))
    assert (most - least).tolist() == [left]
    assert (least + most).tolist() == [pairs]


def test_one_pair_in_ten_that_lies_far_out_decides_nothing() -> None:
    steady = [0.05, 0.051, 0.049, 0.05, 0.052, 0.048, 0.05, 0.051, 0.049]
    one_far, none = (
        ratios_of_pairs([[*steady, 9.0]], 0.05),
        ratios_of_pairs([[*steady, 0.05]], 0.05),
    )
    assert one_far.ratio[0] == pytest.approx(none.ratio[0], rel=1e-3)
    assert one_far.high[0] < 1.06
    of_nine = ratios_of_pairs([[*steady[1:], 9.0]], 0.05)
    assert of_nine.low[0] < 1 < 2 < of_nine.ratio[0]


def test_few_pairs_spread_as_their_standard_deviation() -> None:
    pairs = [0.1, 0.2, 0.4, 0.1]
    assert ratios_of_pairs([pairs], 0.05).spread[0] == pytest.approx(np.std(pairs, ddof=1))


@given(PAIRS, st.randoms())
def test_the_order_of_pairs_does_not_matter(pairs: list[float], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(pairs, len(pairs))
    first, second = ratios_of_pairs([pairs], 0.05), ratios_of_pairs([shuffled], 0.05)
    assert first.low[0] == pytest.approx(second.low[0])
    assert first.high[0] == pytest.approx(second.high[0])


def test_every_case_has_its_own_pairs_and_level() -> None:
    nan = math.nan
    logs = [[0.1, 0.2, 0.4, 0.1], [0.1, 0.2, nan, nan], [0.3, nan, nan, nan], [nan] * 4]
    found = ratios_of_pairs(logs, [0.05, 0.5, 0.05, 0.05])
    assert found.pairs.tolist() == [4, 2, 1, 0]
    alone = ratios_of_pairs([[0.1, 0.2]], 0.5)
    assert (found.low[1], found.high[1], found.p[1]) == (alone.low[0], alone.high[0], alone.p[0])
    assert found.ratio[2] == pytest.approx(math.exp(0.3))
    assert np.isnan([found.low[2], found.high[2], found.p[2], found.spread[2]]).all()
    assert math.isnan(found.ratio[3])
    assert found.warnings == (
        (),
        ("2 launch pairs: the interval is wide",),
        ("1 launch pair(s): no interval",),
        ("0 launch pair(s): no interval",),
    )


def test_pairs_that_agree_exactly_leave_no_doubt() -> None:
    found = ratios_of_pairs([[0.0] * 5, [0.1] * 5], 0.05)
    assert (found.p[0], found.low[0], found.high[0]) == (1.0, 1.0, 1.0)
    assert found.p[1] == 0.0
    assert found.low[1] == pytest.approx(math.exp(0.1))
