"""Two parts of a variance: closed forms, what cannot matter, and what they come to on average."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway

from harness.stats.components import Components, components_of


def of_table(medians: list[list[list[float]]]) -> Components:
    """One case: groups of runs of launches."""
    rows = [
        (value, 10 * group + run, group)
        for group, runs in enumerate(medians)
        for run, launches in enumerate(runs)
        for value in launches
    ]
    values, runs, groups = zip(*rows, strict=True)
    return components_of(values, runs=runs, groups=groups, cases=[0] * len(rows), count=1)


def test_a_balanced_history_in_closed_form() -> None:
    """SciPy's one-way analysis of variance knows the ratio of the two mean squares."""
    dice = np.random.default_rng(1)
    runs = np.exp(dice.normal(size=(5, 4)))
    found = of_table([runs.tolist()])
    means = np.log(runs).mean(axis=1)
    assert found.between[0] == pytest.approx(means.var(ddof=1))
    assert found.within[0] == pytest.approx(np.log(runs).var(axis=1, ddof=1).mean())
    assert (found.between_freedom[0], found.within_freedom[0]) == (4, 15)
    assert found.inverse_launches[0] == pytest.approx(1 / 4)
    ratio = 4 * found.between[0] / found.within[0]
    assert ratio == pytest.approx(f_oneway(*np.log(runs)).statistic)


def test_what_lies_between_groups_is_no_spread() -> None:
    found = of_table([[[1.0], [1.0]], [[50.0], [50.0], [50.0]]])
    assert (found.between[0], found.between_freedom[0]) == (0.0, 3)


def test_a_run_alone_tells_of_its_launches_only() -> None:
    found = of_table([[[1.0, np.e]]])
    assert (found.between_freedom[0], found.within_freedom[0]) == (0, 1)
    assert np.isnan(found.between[0])
    assert found.within[0] == pytest.approx(0.5)


def test_cases_without_history_have_nothing() -> None:
    found = components_of([], runs=[], groups=[], cases=[], count=2)
    assert np.isnan(found.between).tolist() == [True, True]
    assert found.within_freedom.tolist() == [0, 0]
    one = components_of([1.0, 2.0], runs=[0, 1], groups=[0, 0], cases=[1, 1], count=3)
    assert one.between_freedom.tolist() == [0, 1, 0]


def test_times_that_are_not_positive_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        components_of([0.0], runs=[0], groups=[0], cases=[0], count=1)


TABLES = st.lists(
    st.lists(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=3), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
)


def same(one: Components, other: Components) -> None:
    for name in Components.__dataclass_fields__:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-9)


@given(TABLES)
def test_the_order_of_groups_runs_and_launches_does_not_matter(
    table: list[list[list[float]]],
) -> None:
    same(of_table(table), of_table([[run[::-1] for run in group[::-1]] for group in table[::-1]]))


@given(TABLES, st.floats(0.01, 100.0))
def test_another_unit_does_not_matter(table: list[list[list[float]]], scale: float) -> None:
    scaled = [[[scale * value for value in run] for run in group] for group in table]
    same(of_table(table), of_table(scaled))


def test_unequal_runs_come_to_the_true_variances_on_average() -> None:
    trials, launches = 4000, np.array([1, 2, 5, 3])
    dice = np.random.default_rng(2)
    run = np.repeat(np.arange(4 * trials), np.tile(launches, trials))
    logs = dice.normal(0, 2, 4 * trials)[run] + dice.normal(0, 1, len(run))
    case = run // 4
    found = components_of(np.exp(logs), runs=run, groups=case, cases=case, count=trials)
    expected = 4 + found.inverse_launches[0]
    assert found.inverse_launches[0] == pytest.approx((1 / launches).mean())
    assert found.between.mean() == pytest.approx(expected, rel=0.05)
    assert found.within.mean() == pytest.approx(1, rel=0.05)
