from dataclasses import replace

import pytest

from tests.workloads.conftest import Small
from workloads.case import Cost
from workloads.catalog import find


def test_intensity_is_flop_per_byte() -> None:
    assert Cost(flops=12.0, bytes=4.0).intensity == 3.0


def test_integer_parameter(small: Small) -> None:
    assert small("matmul", k=7).integer("k") == 7


def test_a_parameter_that_is_no_whole_number_is_refused(small: Small) -> None:
    with pytest.raises(TypeError, match=r"parameter activation is 'relu'"):
        small("activation").integer("activation")


def test_cases_can_be_keys() -> None:
    case = find("matmul/256/f32")
    assert {case: 1}[find("matmul/256/f32")] == 1


def test_a_definition_tells_what_is_computed_and_not_where_it_is_listed() -> None:
    case = find("matmul/256/f32")
    assert replace(case, suites=(), memory_bytes=1).definition == case.definition
    others = (
        replace(case, parameters={**case.parameters, "m": 257}),
        replace(case, cost=replace(case.cost, flops=1.0)),
        replace(case, tolerance=1.0),
    )
    assert len({case.definition, *(other.definition for other in others)}) == 4
