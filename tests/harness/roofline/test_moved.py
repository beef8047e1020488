"""Ceilings of two measurements: which are others."""

from dataclasses import replace

import pytest

from harness.roofline.moved import FLOOR, moved
from tests.harness.roofline.ideal import Ideal

IDEAL = Ideal()


def test_what_is_the_same_did_not_move() -> None:
    assert list(moved(IDEAL.hardware(), IDEAL.hardware())) == []


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({"flops_per_s": 5e10}, {"compute"}),
        ({"far_bytes_per_s": 5e9}, {"bandwidth"}),
        ({"near_bytes_per_s": 2e11}, {"bandwidth"}),
        ({"call_s": 2e-5, "handed_s": 4e-5}, {"dispatch"}),
        ({"storage_bytes_per_s": 5e8}, {"storage"}),
    ],
)
def test_a_ceiling_that_moved_is_told(changes: dict[str, float], limits: set[str]) -> None:
    found = list(moved(IDEAL.hardware(), replace(IDEAL, **changes).hardware()))
    assert limits <= {each.limit for each in found}


def test_a_ceiling_is_told_as_it_usually_is() -> None:
    found = moved(IDEAL.hardware(), replace(IDEAL, far_bytes_per_s=5e9).hardware())
    told = {each.what: each for each in found}["reads from memory"]
    assert told.unit == "B/s"
    assert (told.before, told.after) == pytest.approx((1e10, 5e9), rel=0.01)


def test_what_moved_within_its_spread_did_not() -> None:
    """All of the ideal are spread by a twentieth."""
    for factor, said in ((1.04, False), (0.97, False), (1.08, True), (0.92, True)):
        other = replace(IDEAL, far_bytes_per_s=factor * IDEAL.far_bytes_per_s).hardware()
        assert any(moved(IDEAL.hardware(), other)) == said, factor


def test_what_does_not_scatter_must_move_by_what_matters() -> None:
    exact = replace(IDEAL.hardware(), best=IDEAL.hardware().usual, worst=IDEAL.hardware().usual)
    for factor, said in ((1 - FLOOR / 2, False), (1 - 2 * FLOOR, True)):
        other = replace(IDEAL, far_bytes_per_s=factor * IDEAL.far_bytes_per_s).hardware()
        one = replace(other, best=other.usual, worst=other.usual)
        assert any(moved(exact, one)) == said, factor


def test_what_is_within_the_spread_of_either_did_not_move() -> None:
    """However exactly the other was measured."""
    other = replace(IDEAL, far_bytes_per_s=0.97 * IDEAL.far_bytes_per_s).hardware()
    exact = replace(IDEAL.hardware(), best=IDEAL.hardware().usual, worst=IDEAL.hardware().usual)
    assert list(moved(exact, other)) == []
    assert list(moved(other, exact)) == []
    assert any(moved(exact, replace(other, best=other.usual, worst=other.usual)))


def test_what_either_did_not_measure_is_not_told() -> None:
    hardware = IDEAL.hardware()
    without = replace(hardware, usual=replace(hardware.usual, products={}))
    assert list(moved(hardware, without)) == []
    assert list(moved(without, hardware)) == []
