"""What follows from made-up evidence."""

from dataclasses import replace
from math import log, nan

import pytest

from tests.benchmarks.bottleneck.judged import (
    PROBES,
    Caused,
    HeldOut,
    Taken,
    coverage,
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


def turn(**seconds: float) -> Taken:
    """Of a case, beside probes of which the antagonists take half."""
    memory, storage = PROBES["bandwidth"], PROBES["storage"]
    probes = {memory: 1.0, storage: 1.0}
    return Taken(
        two={"a": seconds["two"]} | probes,
        one={"a": seconds["one"]} | probes,
        memory={"a": seconds["memory"], memory: 2.0, storage: 1.0},
        storage={"a": seconds["storage"], memory: 1.0, storage: 2.0},
    )


def test_elasticity_is_1_where_half_of_a_resource_takes_twice_the_time() -> None:
    found = turn(two=1.0, one=2.0, memory=2.0, storage=2.0).elasticity("a")
    assert found == {"compute": 1.0, "bandwidth": 0.0, "storage": 0.0}
    found = turn(two=1.0, one=1.0, memory=2.0, storage=1.0).elasticity("a")
    assert found == {"compute": 0.0, "bandwidth": 1.0, "storage": 0.0}
    found = turn(two=1.0, one=1.0, memory=1.0, storage=1.5).elasticity("a")
    assert found["storage"] == pytest.approx(log(1.5) / log(2))


def test_of_what_an_antagonist_did_not_take_nothing_is_known() -> None:
    idle = turn(two=1.0, one=1.0, memory=1.1, storage=1.0)
    idle = replace(idle, memory={**idle.memory, PROBES["bandwidth"]: 1.05})
    assert idle.elasticity("a")["bandwidth"] is None


def test_a_case_that_was_not_measured_everywhere_is_left_out() -> None:
    full = turn(two=1.0, one=1.0, memory=1.0, storage=1.0)
    assert full.has("a")
    assert not replace(full, two={}).has("a")


@pytest.mark.parametrize(
    ("label", "elasticity", "right"),
    [
        ("compute", {"compute": 0.9, "bandwidth": 0.3, "storage": None}, True),
        ("bandwidth", {"compute": 0.9, "bandwidth": 0.3, "storage": 0.0}, False),
        ("storage", {"compute": 0.9, "bandwidth": 0.3, "storage": None}, None),
        ("compute", {"compute": 0.9, "bandwidth": None, "storage": None}, None),
        ("compute", {"compute": 0.1, "bandwidth": 0.0, "storage": -0.1}, False),
    ],
)
def test_a_label_is_right_where_its_resource_costs_most(
    label: str, elasticity: dict[str, float | None], right: bool | None
) -> None:
    assert Caused(case="a", label=label, elasticity=elasticity).right is right
