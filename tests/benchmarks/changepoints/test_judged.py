"""What counts as right, from changes that are made up."""

import numpy as np
import pytest

from tests.benchmarks.changepoints.detectors import jaxrig
from tests.benchmarks.changepoints.judged import is_right, judge, middle_delay
from tests.benchmarks.changepoints.series import NEAR, STEP, Floats, Series, Task, tasks

TWO = Series(values=np.ones(100), steps=(30, 60))


@pytest.mark.parametrize(
    ("places", "right"),
    [
        ([30, 60], True),
        ([60 + NEAR, 30 - NEAR], True),
        ([30 - NEAR - 1, 60], False),
        ([30], False),
        ([30, 45, 60], False),
        ([], False),
    ],
)
def test_as_many_changes_as_there_are_each_near_where_it_is(places: list[int], right: bool) -> None:
    assert is_right(TWO, places) is right


def test_without_a_step_only_silence_is_right() -> None:
    steady = Series(values=np.ones(100), steps=())
    assert is_right(steady, [])
    assert not is_right(steady, [50])


def of_last(count: int, least: int = 8) -> list[int]:
    """A detector that tells of a step at 10 once it has seen so many nights of it."""
    return [10] if count - 10 >= least else []


@pytest.mark.parametrize(("nights", "middle"), [(30, 8), (15, None)])
def test_a_delay_is_the_first_night_on_which_it_is_said(nights: int, middle: int | None) -> None:
    task = Task(name="t", series=(Series(values=np.ones(nights), steps=(10,)),), delayed=True)
    found = judge(task, "who", lambda series: [of_last(values.size) for values in series])
    assert middle_delay(found) == middle
    assert found.right == (middle is not None)


def test_series_are_the_same_for_everyone_and_have_their_steps() -> None:
    first, again = (list(tasks(0.01)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.name == other.name
        for each, same in zip(one.series, other.series, strict=True):
            assert np.array_equal(each.values, same.values)
            assert each.steps == same.steps
    steps = {task.name: len(task.series[0].steps) for task in first}
    assert sorted(steps.values()) == [0, 0, 0, 0, 0, 0, 0, 1, 1, 3]


def test_a_step_is_of_five_per_cent() -> None:
    task = next(each for each in tasks(0.05) if "three" in each.name)

    def jumps(series: Series) -> Floats:
        stretches = np.split(np.log(series.values), series.steps)
        return np.abs(np.diff([each.mean() for each in stretches]))

    assert np.mean([jumps(each) for each in task.series]) == pytest.approx(STEP, rel=0.05)


def test_few_series_are_judged_as_all_are() -> None:
    for task in tasks(0.02):
        if not task.delayed:
            found = judge(task, "jaxrig", jaxrig)
            assert found.series == len(task.series)
            assert found.share > 0.5
