"""Changes are found where they are, and nowhere else."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.changepoints import LEAST, SETTLED, Level, levels, without_far

NOISE = 0.03


def nights(count: int, seed: int = 1, spread: float = NOISE) -> np.ndarray:
    return np.exp(spread * np.random.default_rng(seed).standard_normal(count))


def stepped(*steps: tuple[int, float], count: int = 100, seed: int = 1) -> np.ndarray:
    """`steps`: from which night on it takes how many times as long."""
    found = nights(count, seed)
    for at, factor in steps:
        found[at:] *= factor
    return found


def test_a_step_is_found_with_its_size() -> None:
    (found,) = levels(stepped((60, 1.1))).changes
    assert abs(found.at - 60) <= 2
    assert found.low < 1.1 < found.high
    assert found.ratio == pytest.approx(found.after / found.before)
    assert not found.provisional


def test_steps_up_and_down_are_two() -> None:
    found = levels(stepped((30, 1.15), (70, 1 / 1.15))).changes
    assert [round(each.at, -1) for each in found] == [30, 70]
    assert found[0].ratio > 1 > found[1].ratio


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_level_but_one(seed: int) -> None:
    assert levels(nights(100, seed)).changes == ()


@pytest.mark.parametrize(
    "bad", [[50], [50, 51], [50, 52], [50, 51, 52, 53], [0], [99], [96, 97, 98, 99], [0, 1, 2, 3]]
)
def test_bad_nights_are_no_change(bad: list[int]) -> None:
    series = nights(100)
    series[bad] *= 2
    assert levels(series).changes == ()


def test_of_a_week_there_is_one_provisional_until_more_follow() -> None:
    series = stepped((90, 1.2))
    early = [levels(series[: 90 + after]).changes for after in range(LEAST + 1)]
    assert early[:LEAST] == [()] * LEAST
    assert [(each.at, each.provisional) for each in early[LEAST]] == [(90, True)]
    (settled,) = levels(stepped((100 - SETTLED, 1.2))).changes
    assert not settled.provisional


def test_what_is_smaller_than_the_floor_matters_to_nobody() -> None:
    series = nights(1000, spread=0.003)
    series[500:] *= 1.015
    assert levels(series).changes == ()
    assert len(levels(series, floor=0.01).changes) == 1


def test_nights_that_resemble_each_other_are_told_from_levels() -> None:
    """A machine's mood lasts: what is a step in independent nights is none in these."""
    random = np.random.default_rng(3)
    moods = np.zeros(200)
    for night in range(1, 200):
        moods[night] = 0.8 * moods[night - 1] + 0.02 * random.standard_normal()
    assert levels(np.exp(moods)).changes == ()


def test_equal_nights_have_one_level_and_then_another() -> None:
    assert levels(np.ones(50)).changes == ()
    (found,) = levels(np.repeat([1.0, 1.1], 25)).changes
    assert found.at == 25
    assert found.ratio == pytest.approx(1.1)


@pytest.mark.parametrize("count", range(2 * LEAST))
def test_of_few_nights_nothing_is_said_and_that_is_told(count: int) -> None:
    found = levels(stepped((count // 2, 3.0), count=count))
    assert found.changes == ()
    assert found.few
    assert not levels(nights(2 * LEAST)).few


@pytest.mark.parametrize("count", [2 * LEAST, 20, 1000])
def test_however_long_noise_has_one_level(count: int) -> None:
    assert [levels(nights(count, seed)).changes for seed in range(20)] == [()] * 20


def test_a_coarse_clock_makes_no_levels() -> None:
    """Whole milliseconds, of which most are equal to their neighbours."""
    assert levels([30, 30, 30, 31, 30, 30, 31, 31, 31, 30]).changes == ()
    for seed in range(20):
        assert levels(np.round(30 * nights(40, seed, spread=0.015))).changes == ()


def test_intervals_hold_what_they_say() -> None:
    """19 of 20, at least nearly: the cut is where it looks best."""
    found = [levels(stepped((50, 1.2), seed=seed)).changes for seed in range(100)]
    inside = [changes[0].low < 1.2 < changes[0].high for changes in found if len(changes) == 1]
    assert len(inside) > 90
    assert sum(inside) / len(inside) > 0.85


def test_what_one_night_scaled_is_off_by_a_night() -> None:
    """Nothing has changed, but all before the join is scaled by what a night said."""
    wrong = 0
    for seed in range(60):
        series = nights(101, seed)
        series[:50] /= series[100]
        wrong += bool(levels(series[:100], joins=[50]).changes)
    assert wrong <= 1
    (found,) = levels(stepped((50, 1.5)), joins=[50]).changes
    (surer,) = levels(stepped((50, 1.5))).changes
    assert found.low < surer.low < surer.high < found.high


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_what_is_no_time_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        levels([1.0] * 20 + [wrong])


def present(series: np.ndarray, joins: Sequence[int] = ()) -> Level:
    found = levels(series, joins=joins).present
    assert found is not None
    return found


def test_a_series_is_at_the_level_after_its_last_change() -> None:
    series = stepped((30, 1.2), (70, 1.5))
    found = present(series)
    assert abs(found.at - 70) <= 2
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1.8 < found.high
    assert found.value == levels(series).changes[-1].after
    assert present(series[:60]).at == levels(series).changes[0].at


def test_noise_is_at_its_only_level() -> None:
    found = present(nights(100))
    assert found.at == 0
    assert found.value == pytest.approx(1.0, rel=0.02)
    assert found.spread == pytest.approx(NOISE, rel=0.3)


def test_a_level_is_known_the_better_the_more_points_it_has() -> None:
    widths = [x.high / x.low for x in map(present, (nights(20), nights(200))) if x.low and x.high]
    assert 2 < np.log(widths[0]) / np.log(widths[1]) < 6


def test_a_bad_night_makes_no_spread() -> None:
    series = nights(60)
    bad = series.copy()
    bad[[5, 20, 40]] *= 3
    assert present(bad).spread == pytest.approx(present(series).spread, rel=0.2)
    assert present(bad).value == pytest.approx(present(series).value, rel=0.02)


def test_of_fewer_points_than_make_a_level_the_value_is_all() -> None:
    for count in range(1, LEAST):
        found = present(nights(count))
        assert (found.low, found.high, found.spread) == (None, None, None)
    assert present(nights(LEAST)).low is not None
    assert levels([]).present is None


def test_a_level_is_as_uncertain_as_the_night_that_scaled_some_of_it() -> None:
    series = nights(100)
    alone, joined = present(series), present(series, joins=[50])
    early = present(series, joins=[2])
    ends = [x.high / x.low for x in (alone, early, joined) if x.low and x.high]
    assert ends == sorted(ends)
    assert ends[2] > 2 * ends[0] - 1
    assert joined.value == alone.value


def test_what_is_far_becomes_its_neighbours_median() -> None:
    logs = np.log(nights(50))
    far = logs.copy()
    far[20] += 1
    cleaned = without_far(far)
    assert abs(cleaned[20] - np.median(logs[17:24])) < NOISE
    assert np.array_equal(np.delete(cleaned, 20), np.delete(without_far(logs), 20))


@given(st.floats(1e-6, 1e6))
def test_units_do_not_matter(scale: float) -> None:
    series = stepped((40, 1.1), (80, 0.9))
    one, other = levels(series), levels(scale * series)
    assert [each.at for each in other.changes] == [each.at for each in one.changes]
    assert [each.ratio for each in other.changes] == pytest.approx(
        [each.ratio for each in one.changes]
    )


@pytest.mark.parametrize("turned", [lambda series: series[::-1], lambda series: 1 / series])
def test_backwards_and_upside_down_it_is_the_same_change(
    turned: Callable[[np.ndarray], np.ndarray],
) -> None:
    series = stepped((40, 1.1))
    (one,), (other,) = levels(series).changes, levels(turned(series)).changes
    assert other.ratio == pytest.approx(1 / one.ratio, rel=0.01)
