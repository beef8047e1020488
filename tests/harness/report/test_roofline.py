"""What is drawn is in view."""

import pytest
from matplotlib.figure import Figure

from harness.report.roofline import draw_roofline, dtypes_of
from harness.roofline.label import Labelled, label
from harness.roofline.terms import bounds
from tests.harness.roofline.ideal import Ideal
from workloads.catalog import find
from workloads.catalog.decomposed import decomposed

HARDWARE = Ideal().hardware()


def labelled(case_id: str, measured_s: float) -> Labelled:
    case = find(case_id)
    return label(case, measured_s, bounds(case, decomposed(case), None, HARDWARE))


@pytest.mark.parametrize("measured_s", [1e-6, 1e-1, 1e3])
def test_points_and_ceilings_are_in_view(measured_s: float) -> None:
    axis = Figure().subplots()
    draw_roofline(axis, [labelled("matmul/2048/f32", measured_s)], HARDWARE, "f32")
    low, high = axis.get_ylim()
    speed = find("matmul/2048/f32").cost.flops / measured_s
    assert low < min(speed, 1e10)
    assert high > max(speed, 1e11)


def test_a_picture_is_of_a_dtype() -> None:
    cases = [labelled(f"matmul/2048/{dtype}", 1.0) for dtype in ("bf16", "f32", "bf16")]
    assert dtypes_of(cases, HARDWARE) == ["bf16", "f32"]
    axis = Figure().subplots()
    draw_roofline(axis, cases, HARDWARE, "bf16")
    assert axis.get_title() == "bf16"
    assert len([line for line in axis.get_lines() if line.get_label() == "unexplained"]) == 2
