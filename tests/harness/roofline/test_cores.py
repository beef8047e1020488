"""What cores wait for each other is told apart from what they compute, and nothing else changes."""

from dataclasses import replace

import pytest

from harness.roofline.ceilings import Hardware
from harness.roofline.cores import shared_bounds
from harness.roofline.terms import Bounds, bounds
from tests.harness.roofline.ideal import Ideal
from workloads.catalog import find
from workloads.catalog.decomposed import decomposed

TWO = Ideal()
HALF = Ideal(flops_per_s=5e10, near_bytes_per_s=5e10, element_s=6e-10)
"""One core of TWO, of which each always did its half."""

ONLY_PRODUCTS = Ideal(flops_per_s=5e10)
"""One core of a machine whose cores share products alone, and for all else wait for each other."""


def hardware(one_core: Ideal | None) -> Hardware:
    found = TWO.hardware()
    return found if one_core is None else replace(found, one_core=one_core.hardware().usual)


def shared(name: str, one_core: Ideal | None) -> Bounds:
    case = find(name)
    return shared_bounds(case, decomposed(case), None, hardware(one_core))


CASES = pytest.mark.parametrize(
    "name", ["transformer/nano/forward/f32", "activation/gelu/4MiB/f32", "matmul/2048/f32"]
)


@CASES
@pytest.mark.parametrize("one_core", [None, HALF, TWO], ids=["unknown", "half", "drifted"])
def test_cores_that_share_all_work_wait_for_nothing(name: str, one_core: Ideal | None) -> None:
    """Also where the machine was twice as fast when that of one core was measured."""
    case = find(name)
    plain = bounds(case, decomposed(case), None, hardware(None)).terms
    found = shared(name, one_core).terms
    assert found.compute_s == pytest.approx(plain.compute_s, rel=0.02)
    assert found.dispatch_s == pytest.approx(plain.dispatch_s, abs=0.02 * plain.compute_s)


@CASES
def test_bounds_and_sums_stay(name: str) -> None:
    case = find(name)
    plain = bounds(case, decomposed(case), None, hardware(None))
    found = shared(name, ONLY_PRODUCTS)
    assert (found.low_s, found.high_s) == (plain.low_s, plain.high_s)
    assert found.terms.total_s == pytest.approx(plain.terms.total_s)
    for part, other in zip(found.parts, plain.parts, strict=True):
        assert part.terms.total_s == pytest.approx(other.terms.total_s)


def test_what_is_not_shared_is_half_waiting() -> None:
    """Of two cores, where products are twice as fast as on one."""
    computed_s = shared("activation/gelu/4MiB/f32", None).terms.compute_s
    found = shared("activation/gelu/4MiB/f32", ONLY_PRODUCTS)
    assert found.terms.compute_s == pytest.approx(computed_s / 2, rel=0.05)
    waited_s = found.terms.dispatch_s - shared("activation/gelu/4MiB/f32", None).terms.dispatch_s
    assert waited_s == pytest.approx(computed_s / 2, rel=0.05)
    assert shared("matmul/2048/f32", ONLY_PRODUCTS).terms.dispatch_s == pytest.approx(
        shared("matmul/2048/f32", None).terms.dispatch_s, rel=0.05
    )


def test_devices_wait_for_each_other_by_the_link_alone() -> None:
    name = "collective/all-reduce/16MiB-x2/f32"
    assert shared(name, ONLY_PRODUCTS) == shared(name, None)


def test_a_dtype_without_products_is_left_as_it_is() -> None:
    machine = hardware(ONLY_PRODUCTS)
    assert machine.one_core is not None
    without = replace(machine, one_core=replace(machine.one_core, products={}))
    assert machine.gained["f32"] == pytest.approx(2, rel=0.05)
    assert without.gained == {}
    case = find("matmul/2048/f32")
    assert shared_bounds(case, decomposed(case), None, without) == bounds(
        case, decomposed(case), None, without
    )
