"""The ratio of two runs: exact where it can be, and wrong no more often than it says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import t, ttest_ind

from harness.stats.components import Components, components_of
from harness.stats.unpaired import (
    ERROR,
    apart,
    judge_runs,
    launches_wanted,
    ratios_of_runs,
    runs_wanted,
)

Floats = NDArray[np.float64]

FLOOR = 0.02


def components(
    cases: int = 1,
    *,
    between: float = 1e-4,
    freedom: float = 30.0,
    launches: int = 3,
    within: float = 1e-5,
    within_freedom: float = 100.0,
) -> Components:
    return Components(
        between=np.full(cases, between),
        between_freedom=np.full(cases, freedom),
        inverse_launches=np.full(cases, 1 / launches),
        within=np.full(cases, within),
        within_freedom=np.full(cases, within_freedom),
    )


def one(base: list[float], candidate: list[float], *machines: Components) -> list[float]:
    found = ratios_of_runs(apart([base], [candidate], machines or (components(),)))
    return [float(each[0]) for each in (found.ratio, found.low, found.high, found.freedom)]


def test_as_many_launches_as_history_has_are_in_closed_form() -> None:
    ratio, low, high, freedom = one([1.0] * 3, [1.1] * 3)
    width = t.ppf(1 - ERROR / 2, 30) * np.sqrt(2 * 1e-4)
    assert freedom == 30
    assert ratio == pytest.approx(1.1)
    assert low == pytest.approx(1.1 * np.exp(-width))
    assert high == pytest.approx(1.1 * np.exp(width))


def test_two_groups_of_single_launches_have_the_spread_of_scipy_s_t_test() -> None:
    dice = np.random.default_rng(1)
    first, second = dice.normal(0, 0.02, 8), dice.normal(1, 0.02, 8)
    history = components_of(
        np.exp([*first, *second]), runs=range(16), groups=[0] * 8 + [1] * 8, cases=[0] * 16, count=1
    )
    _, low, high, freedom = one([1.0], [1.05], history)
    tested = ttest_ind(second, first)
    error_of_means = (second.mean() - first.mean()) / tested.statistic
    assert freedom == tested.df
    width = t.ppf(1 - ERROR / 2, tested.df) * error_of_means * np.sqrt(8)  # of one run, not eight
    assert np.log(high / low) / 2 == pytest.approx(width)


def test_fewer_launches_widen_and_more_narrow_it_down_to_the_runs_own_spread() -> None:
    history = components(within=1e-3, between=5e-4)
    widths = [
        np.log(high / low)
        for count in (1, 3, 9, 30)
        for _, low, high, _ in [one([1.0] * count, [1.0] * count, history)]
    ]
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] > 2 * 1.96 * np.sqrt(2 * (5e-4 - 1e-3 / 3))  # what no launches take away


def test_of_two_machines_each_has_its_own_spread() -> None:
    quiet, loud = components(between=1e-6), components(between=1e-2, freedom=5.0)
    shared = [one([1.0] * 3, [1.1] * 3, machine) for machine in (quiet, loud)]
    mixed = one([1.0] * 3, [1.1] * 3, quiet, loud)
    assert shared[0][1] > mixed[1] > shared[1][1]
    assert mixed[3] == 5
    assert one([1.0] * 3, [1.1] * 3, loud, quiet)[1:] == pytest.approx(mixed[1:])


def test_an_unknown_spread_allows_a_ratio_and_no_interval() -> None:
    found = ratios_of_runs(apart([[1.0]], [[2.0]], [components(freedom=2.0)]))
    assert found.ratio[0] == pytest.approx(2.0)
    assert np.isnan([found.low[0], found.high[0], found.freedom[0]]).all()
    assert judge_runs(found, FLOOR) == ("unclear",)
    assert judge_runs(ratios_of_runs(apart([[1.0]], [[2.0]], [components(freedom=3.0)])), 0.9)


def test_the_error_is_shared_among_the_cases_that_can_be_judged() -> None:
    known, unknown = components(2), components(2, freedom=0.0)
    both = replace(known, between_freedom=np.array([30.0, 0.0]))
    sides = np.ones((2, 3)), np.ones((2, 3))
    assert apart(*sides, [known]).level == ERROR / 2
    assert apart(*sides, [both]).level == ERROR
    assert apart(*sides, [unknown]).level == ERROR
    assert apart(*sides, [known, both]).level == ERROR


def test_without_a_launch_there_is_no_ratio() -> None:
    found = ratios_of_runs(apart([[np.nan]], [[1.0]], [components()]))
    assert np.isnan(found.ratio[0])
    assert judge_runs(found, FLOOR) == ("unclear",)
    assert (
        judge_runs(ratios_of_runs(apart(np.ones((0, 0)), np.ones((0, 0)), [components(0)])), [])
        == ()
    )


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.1, "slower"), (0.9, "faster"), (1.0, "same"), (1.015, "same"), (1.021, "slower")],
)
def test_the_floor_decides_what_matters(ratio: float, verdict: str) -> None:
    quiet = components(between=1e-7, within=0.0)
    assert judge_runs(ratios_of_runs(apart([[1.0]], [[ratio]], [quiet])), FLOOR) == (verdict,)
    assert judge_runs(ratios_of_runs(apart([[1.0]], [[ratio]], [quiet])), 0.5) == ("same",)


def test_warnings_travel_with_the_result() -> None:
    few = ratios_of_runs(apart([[1.0] * 3], [[1.0] * 3], [components(freedom=4.0)]))
    assert few.warnings == (
        (
            "3 and 3 launches: the interval is wide",
            "spread known from few runs (4.0 degrees of freedom): the interval is wide",
        ),
    )
    assert ratios_of_runs(apart([[1.0] * 4], [[1.0] * 5], [components()])).warnings == ((),)


def test_what_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        apart([[0.0]], [[1.0]], [components()])


def test_what_launches_can_settle_they_are_asked_for() -> None:
    loud_launches = components(
        between=1e-3 / 3 + 1e-7, within=1e-3, freedom=1e4, within_freedom=1e6
    )
    runs = apart([[1.0] * 3], [[1.04] * 3], [loud_launches])
    assert judge_runs(ratios_of_runs(runs), FLOOR) == ("unclear",)
    (count,) = launches_wanted(runs, FLOOR)
    assert 4 <= count <= 30
    more = apart([[1.0] * count], [[1.04] * count], [loud_launches])
    assert judge_runs(ratios_of_runs(more), FLOOR) == ("slower",)


def test_what_better_known_spread_can_settle_asks_for_runs() -> None:
    runs = apart([[1.0] * 3], [[1.05] * 3], [components(between=2e-4, within=0.0, freedom=3.0)])
    assert launches_wanted(runs, FLOOR).tolist() == [0]
    (count,) = runs_wanted(runs, FLOOR)
    assert count > 0
    longer = [components(between=2e-4, within=0.0, freedom=3.0 + count)]
    assert judge_runs(ratios_of_runs(replace(runs, machines=tuple(longer))), FLOOR) == ("slower",)


def test_what_neither_can_settle_is_said_so() -> None:
    runs = apart([[1.0] * 3], [[1.05] * 3], [components(between=1e-2)])
    assert launches_wanted(runs, FLOOR).tolist() == runs_wanted(runs, FLOOR).tolist() == [0]


SIDES = arrays(float, (3, 4), elements=st.floats(0.1, 10.0))


@given(SIDES, SIDES, st.floats(0.01, 100.0))
def test_another_unit_does_not_change_the_ratio(base: Floats, candidate: Floats, by: float) -> None:
    one = ratios_of_runs(apart(base, candidate, [components(3)]))
    other = ratios_of_runs(apart(by * base, by * candidate, [components(3)]))
    for name in ("ratio", "low", "high"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name))


@given(SIDES, SIDES)
def test_swapping_the_runs_inverts_the_ratio(base: Floats, candidate: Floats) -> None:
    there = ratios_of_runs(apart(base, candidate, [components(3)]))
    back = ratios_of_runs(apart(candidate, base, [components(3)]))
    np.testing.assert_allclose(there.ratio, 1 / back.ratio)
    np.testing.assert_allclose(there.low, 1 / back.high)
    swapped = {"slower": "faster", "faster": "slower"}
    before, after = judge_runs(there, FLOOR), judge_runs(back, FLOOR)
    assert [swapped.get(each, each) for each in before] == list(after)


@given(SIDES, SIDES, st.permutations(range(3)), st.permutations(range(4)))
def test_the_order_of_cases_and_launches_does_not_matter(
    base: Floats, candidate: Floats, cases: list[int], launches: list[int]
) -> None:
    one = ratios_of_runs(apart(base[cases], candidate[cases], [components(3)]))
    other = ratios_of_runs(apart(base[:, launches], candidate, [components(3)]))
    np.testing.assert_allclose(one.low, other.low[cases])


def simulated(
    *, between: float, runs: int, launches: int, sides: int, effect: float, trials: int, seed: int
) -> list[tuple[str, ...]]:
    """Verdicts of so many comparisons, three cases each, on machines with a history of two stacks
    that were measured `runs` times: launches scatter by 1 %, runs by `between` beside that."""
    dice, cases = np.random.default_rng(seed), 3 * trials

    def logs(runs: int, launches: int) -> Floats:
        shape = (cases, runs, 1), (cases, runs, launches)
        return dice.normal(0, between, shape[0]) + dice.normal(0, 0.01, shape[1])

    history = logs(2 * runs, launches)
    numbers = np.broadcast_to(np.arange(cases * 2 * runs).reshape(cases, -1, 1), history.shape)
    found = components_of(
        np.exp(history).ravel(),
        runs=numbers.ravel(),
        groups=numbers.ravel() // runs,
        cases=numbers.ravel() // (2 * runs),
        count=cases,
    )
    base, candidate = logs(1, sides)[:, 0], logs(1, sides)[:, 0] + np.log1p(effect)
    compared = apart(np.exp(base), np.exp(candidate), [found])
    verdicts = judge_runs(ratios_of_runs(replace(compared, level=ERROR / 3)), 1e-6)
    return [verdicts[3 * trial : 3 * trial + 3] for trial in range(trials)]


@pytest.mark.parametrize("between", [0.0, 0.01, 0.1])
@pytest.mark.parametrize(("launches", "sides"), [(3, 3), (1, 1), (3, 1), (3, 10), (1, 5)])
def test_equal_runs_are_called_different_no_more_often_than_promised(
    between: float, launches: int, sides: int
) -> None:
    """Whatever runs scatter, and with a floor that hides nothing."""
    trials = 3000
    found = simulated(
        between=between, runs=4, launches=launches, sides=sides, effect=0, trials=trials, seed=5
    )
    claims = sum("slower" in each or "faster" in each for each in found) / trials
    assert claims <= ERROR + 3 * np.sqrt(ERROR * (1 - ERROR) / trials)


def test_the_interval_holds_as_often_as_it_says_and_not_far_more_often() -> None:
    found = simulated(between=0.1, runs=10, launches=3, sides=3, effect=0, trials=3000, seed=6)
    claims = sum("slower" in each or "faster" in each for each in found) / 3000
    assert 0.035 < claims < 0.065


def test_a_change_of_ten_percent_is_found_where_runs_scatter_little() -> None:
    found = simulated(between=0.01, runs=8, launches=3, sides=3, effect=0.1, trials=300, seed=7)
    share = sum(each.count("slower") for each in found) / 900
    assert share > 0.95


def test_a_change_of_ten_percent_is_not_claimed_where_runs_scatter_by_as_much() -> None:
    found = simulated(between=0.1, runs=8, launches=3, sides=3, effect=0.1, trials=300, seed=8)
    assert sum(each.count("slower") for each in found) / 900 < 0.15
