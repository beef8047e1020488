"""Tonight against the nights before: what is claimed, how often wrongly, and by what interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.nights import NightRule, judge_night, mean_of

RULE = NightRule()
NAN = float("nan")


def pairs(*means: float, count: int = 5, spread: float = 0.001) -> list[list[float]]:
    """Pairs about each mean, padded as a night's are."""
    pattern = [spread * (1 if index % 2 else -1) for index in range(count)]
    pattern[-1] -= sum(pattern)
    return [[mean + each for each in pattern] + [NAN] * (RULE.most_pairs - count) for mean in means]


NIGHTS = [0.001, -0.001, 0.002, -0.002, 0.0, 0.001]


def test_the_interval_is_the_prediction_interval_of_the_books() -> None:
    found = judge_night(pairs(0.003), [NIGHTS], 0.02, RULE)
    spread = np.std(NIGHTS, ddof=1) * np.sqrt(1 + 1 / len(NIGHTS))
    low, high = stats.t.interval(0.95, len(NIGHTS) - 1, loc=0.003 - np.mean(NIGHTS), scale=spread)
    assert np.log(found.low[0]) == pytest.approx(low)
    assert np.log(found.high[0]) == pytest.approx(high)
    assert np.log(found.usual[0]) == pytest.approx(np.mean(NIGHTS))
    wider = judge_night(pairs(0.003), [NIGHTS], 0.02, RULE, bridges=1)
    ratio = np.log(wider.high[0] / wider.low[0]) / np.log(found.high[0] / found.low[0])
    assert ratio == pytest.approx(np.sqrt((2 + 1 / 6) / (1 + 1 / 6)))


def test_the_error_is_shared_among_those_that_can_be_judged() -> None:
    alone = judge_night(pairs(0.0), [NIGHTS], 0.02, RULE)
    unjudged = judge_night(pairs(0.0, 0.0), [NIGHTS, [NAN] * 5 + [0.0]], 0.02, RULE)
    both = judge_night(pairs(0.0, 0.0), [NIGHTS, NIGHTS], 0.02, RULE)
    assert unjudged.high[0] == alone.high[0] < both.high[0]
    assert (unjudged.verdicts[1], int(unjudged.nights[1])) == ("unclear", 1)


@pytest.mark.parametrize(
    ("tonight", "confirming", "verdict", "is_open"),
    [
        (0.05, None, "unclear", True),
        (0.05, 0.05, "slower", False),
        (0.05, 0.0, "unclear", True),  # two more looks
        (0.0, None, "same", False),
        (-0.05, None, "faster", False),
    ],
)
def test_slower_is_said_twice_and_the_rest_once(
    tonight: float, confirming: float | None, verdict: str, is_open: bool
) -> None:
    series = pairs(tonight)
    if confirming is not None:
        series[0][5:8] = pairs(confirming, count=3)[0][:3]
    found = judge_night(series, [NIGHTS], 0.02, RULE)
    assert (found.verdicts[0], bool(found.open[0])) == (verdict, is_open)
    assert not found.refuted[0]


def test_what_all_confirming_pairs_do_not_say_again_is_refuted() -> None:
    series = pairs(0.05)
    series[0][5:] = pairs(0.0, count=8)[0][:8]
    found = judge_night(series, [NIGHTS], 0.02, RULE)
    assert (found.verdicts[0], found.open[0], found.refuted[0]) == ("unclear", False, True)


def test_a_night_that_is_not_complete_is_open_and_unclear() -> None:
    found = judge_night(pairs(0.05, count=4), [NIGHTS], 0.02, RULE)
    assert (found.verdicts[0], found.open[0]) == ("unclear", True)
    assert np.isnan(found.ratio[0])


def test_without_nights_nothing_is_claimed() -> None:
    found = judge_night(pairs(0.5), np.zeros((1, 0)), 0.02, RULE)
    assert (found.verdicts[0], int(found.nights[0]), found.open[0]) == ("unclear", 0, False)
    assert np.isnan(found.usual[0])


def test_older_nights_than_are_looked_back_at_do_not_count() -> None:
    old = [[5.0] * 3 + NIGHTS * 3]
    assert judge_night(pairs(0.0), old, 0.02, RULE).nights[0] == RULE.most_nights


@given(st.permutations(NIGHTS), st.floats(-1.0, 1.0))
def test_neither_the_order_of_nights_nor_the_anchor_matters(
    nights: list[float], shift: float
) -> None:
    plain = judge_night(pairs(0.03), [NIGHTS], 0.02, RULE)
    other = judge_night(pairs(0.03 + shift), [[each + shift for each in nights]], 0.02, RULE)
    assert other.ratio == pytest.approx(plain.ratio)
    assert other.low == pytest.approx(plain.low)
    assert other.verdicts == plain.verdicts


def test_nights_on_which_nothing_changed_raise_no_alarm_and_a_slow_one_does() -> None:
    """Nights stray by themselves, beside their pairs."""
    draw = np.random.default_rng(1)
    trials, cases, nights = 400, 10, 10

    def night(change: float) -> tuple[float, float]:
        alarms = claims = 0
        for _ in range(trials):
            stray = draw.normal(0, 0.004, (cases, nights + 1))
            before = stray[:, :-1] + draw.normal(0, 0.01 / np.sqrt(5), (cases, nights))
            series = np.full((cases, RULE.most_pairs), change) + stray[:, -1:]
            series += draw.normal(0, 0.01, series.shape)
            found = judge_night(series, before, 0.02, RULE)
            alarms += "slower" in found.verdicts
            claims += found.verdicts.count("slower")
        return alarms / trials, claims / trials / cases

    assert night(0.0)[0] <= RULE.error
    assert night(0.06)[1] >= 0.9


def test_the_mean_of_nothing_is_unknown() -> None:
    assert np.array_equal(
        mean_of(np.array([[1.0, NAN, 3.0], [NAN] * 3])), [2.0, NAN], equal_nan=True
    )
