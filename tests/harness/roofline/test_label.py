"""The rules of labels, one by one."""

from typing import Any

import pytest

from harness.roofline.label import LEADS, LEAST, MOST, Labelled, label
from harness.roofline.terms import Bounds, Terms
from workloads.catalog import find

CASE = find("matmul/2048/f32")


def labelled(measured_s: float, /, *, full: bool = False, **terms: Any) -> Labelled:
    found = Bounds(low_s=1.0, high_s=2.0, terms=Terms(**terms), parts=())
    return label(CASE, measured_s, found, peak_flops_per_s=1e11, full=full)


@pytest.mark.parametrize("limit", ["compute", "bandwidth", "dispatch", "link", "storage"])
def test_the_largest_term_is_the_label(limit: str) -> None:
    others: dict[str, Any] = dict.fromkeys(("compute_s", "bandwidth_s", "dispatch_s"), 0.1)
    assert labelled(1.5, **(others | {f"{limit}_s": 1.2})).label == limit


@pytest.mark.parametrize(
    ("second", "name"), [(1.0 / LEADS + 0.01, "mixed"), (1.0 / LEADS - 0.01, "compute")]
)
def test_a_term_that_does_not_lead_is_mixed(second: float, name: str) -> None:
    assert labelled(1.5, compute_s=1.0, bandwidth_s=second).label == name


@pytest.mark.parametrize(("factor", "name"), [(LEAST - 0.01, "invalid"), (LEAST + 0.01, "compute")])
def test_faster_than_possible_is_invalid(factor: float, name: str) -> None:
    assert labelled(factor, compute_s=1.0).label == name


@pytest.mark.parametrize(
    ("factor", "name"), [(MOST + 0.01, "unexplained"), (MOST - 0.01, "compute")]
)
def test_slower_than_all_parts_is_unexplained(factor: float, name: str) -> None:
    assert labelled(2 * factor, compute_s=2.0).label == name


def test_memory_that_is_full_binds_whatever_the_time_says() -> None:
    assert labelled(1.5, full=True, compute_s=1.0).label == "capacity"


def test_but_for_what_is_faster_than_possible() -> None:
    assert labelled(0.5, full=True, compute_s=1.0).label == "invalid"


def test_the_share_of_the_ceiling_that_is_reached() -> None:
    assert labelled(1.25, compute_s=1.0).fraction_of_ceiling == pytest.approx(0.8)


def test_model_flop_utilisation() -> None:
    assert labelled(1.25, compute_s=1.0).mfu == pytest.approx(CASE.cost.flops / 1.25 / 1e11)


def test_without_flop_there_is_none() -> None:
    found = Bounds(low_s=1.0, high_s=2.0, terms=Terms(link_s=1.0), parts=())
    assert label(find("link/1MiB/to-host/f32"), 1.0, found, peak_flops_per_s=1e11).mfu is None


def test_twice_of_what_takes_all_the_time_halves_it() -> None:
    found = labelled(1.0, bandwidth_s=1.0)
    assert found.twice["bandwidth"] == pytest.approx(2.0)
    assert found.twice["compute"] == 1.0


def test_what_no_term_explains_stays() -> None:
    assert labelled(2.0, bandwidth_s=1.0).twice["bandwidth"] == pytest.approx(1 / (1 - 0.25))


def test_terms_that_overlap_are_taken_in_proportion() -> None:
    found = labelled(1.0, compute_s=1.0, bandwidth_s=1.0)
    assert found.twice["bandwidth"] == pytest.approx(1 / (1 - 0.25))
