"""What follows from made-up evidence."""

from dataclasses import replace
from math import log, nan

import pytest

from tests.benchmarks.bottleneck.causes import Seconds
from tests.benchmarks.bottleneck.judged import (
    PROBES,
    Caused,
    HeldOut,
    coverage,
    elasticity,
    median_error,
)

HELD_OUT = HeldOut(case="a", label="compute", measured_s=1.0, usual_s=1.0, low_s=0.8, high_s=1.1)


@pytest.mark.parametrize(
    ("measured_s", "inside"), [(0.66, False), (0.67, True), (1.31, True), (1.33, False)]
)
def test_bounds_are_widened_by_a_fifth(measured_s: float, inside: bool) -> None:
    assert replace(HELD_OUT, measured_s=measured_s).inside == inside


def test_coverage_and_error_are_over_all_cases() -> None:
    cases = [replace(HELD_OUT, measured_s=time_s) for time_s in (0.5, 1.0, 1.1, 2.0)]
    assert coverage(cases) == 0.5
    assert median_error(cases) == pytest.approx((1.1 * 2.0) ** 0.5 - 1)


def test_a_case_without_a_label_is_not_within_its_bounds_and_has_no_error() -> None:
    unknown = HeldOut(case="b", label=None, measured_s=nan, usual_s=nan, low_s=nan, high_s=nan)
    assert coverage([HELD_OUT, unknown]) == 0.5
    assert median_error([HELD_OUT, unknown]) == 0


MEMORY, STORAGE = PROBES["bandwidth"], PROBES["storage"]

TAKEN: dict[str, Seconds] = {
    MEMORY: {"two": [1.0], "one": [1.0], "memory": [2.0], "storage": [1.0]},
    STORAGE: {"two": [1.0], "one": [1.0], "memory": [1.0], "storage": [2.0]},
}
"""Probes of which antagonists take half."""


def of(**seconds: float) -> Seconds:
    return {condition: [each, each, 100 * each] for condition, each in seconds.items()}


def test_elasticity_is_1_where_half_of_a_resource_takes_twice_the_time() -> None:
    found = elasticity(of(two=1.0, one=2.0, memory=2.0, storage=2.0), TAKEN)
    assert found == {"compute": 1.0, "bandwidth": 0.0, "storage": 0.0}
    found = elasticity(of(two=1.0, one=1.0, memory=2.0, storage=1.0), TAKEN)
    assert found == {"compute": 0.0, "bandwidth": 1.0, "storage": 0.0}
    found = elasticity(of(two=1.0, one=1.0, memory=1.0, storage=1.5), TAKEN)
    assert found["storage"] == pytest.approx(log(1.5) / log(2))


def test_rounds_are_held_against_their_own_turn() -> None:
    """The machine was ten times as slow in the second and the third."""
    drifting = {
        "two": [1.0, 10.0, 10.0],
        "one": [2.0, 20.0, 20.0],
        "memory": [2.0, 20.0, 20.0],
        "storage": [20.0, 20.0, 20.0],
    }
    assert elasticity(drifting, TAKEN)["compute"] == 1.0


@pytest.mark.parametrize("probe", [{**TAKEN[MEMORY], "memory": [1.05]}, {}])
def test_of_what_an_antagonist_did_not_take_nothing_is_known(probe: Seconds) -> None:
    found = elasticity(of(two=1.0, one=1.0, memory=1.1, storage=1.0), {**TAKEN, MEMORY: probe})
    assert found["bandwidth"] is None


@pytest.mark.parametrize(
    ("label", "found", "right"),
    [
        ("compute", {"compute": 0.9, "bandwidth": 0.3, "storage": None}, True),
        ("bandwidth", {"compute": 0.9, "bandwidth": 0.3, "storage": 0.0}, False),
        ("storage", {"compute": 0.9, "bandwidth": 0.3, "storage": None}, None),
        ("compute", {"compute": 0.9, "bandwidth": None, "storage": None}, None),
        ("compute", {"compute": 0.1, "bandwidth": 0.0, "storage": -0.1}, False),
    ],
)
def test_a_label_is_right_where_its_resource_costs_most(
    label: str, found: dict[str, float | None], right: bool | None
) -> None:
    assert Caused(case="a", label=label, elasticity=found).right is right
