"""What is drawn is in view."""

import pytest
from matplotlib.figure import Figure

from harness.report.roofline import draw_rooflines, dtypes_of
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
    """In all pictures, whatever the others show."""
    axes = Figure().subplots(1, 2, sharey=True)
    cases = [labelled("matmul/2048/f32", measured_s), labelled("matmul/2048/bf16", 1.0)]
    draw_rooflines(axes, cases, HARDWARE, ["f32", "bf16"])
    speed = find("matmul/2048/f32").cost.flops / measured_s
    for axis in axes:
        low, high = axis.get_ylim()
        assert low < min(speed, 1e10)
        assert high > max(speed, 1e11)


def test_so_is_what_computes_most_for_a_byte() -> None:
    case = "transformer/small-b8-t1024/prefill/bf16"
    intensity = find(case).cost.flops / find(case).cost.bytes
    assert intensity > 2**12
    axis = Figure().subplots()
    draw_rooflines([axis], [labelled(case, 1.0)], HARDWARE, ["bf16"])
    assert axis.get_xlim()[1] > intensity


def test_a_picture_is_of_a_dtype() -> None:
    cases = [labelled(f"matmul/2048/{dtype}", 1.0) for dtype in ("bf16", "f32", "bf16")]
    assert dtypes_of(cases, HARDWARE) == ["bf16", "f32"]
    axes = Figure().subplots(1, 2)
    draw_rooflines(axes, cases, HARDWARE, ["bf16", "f32"])
    assert [axis.get_title() for axis in axes] == ["bf16", "f32"]
    points = [
        [line for line in axis.get_lines() if line.get_label() == "unexplained"] for axis in axes
    ]
    assert [len(each) for each in points] == [2, 1]


def test_without_a_case_the_ceilings_are_shown() -> None:
    assert dtypes_of([], HARDWARE) == [next(iter(HARDWARE.usual.products))]
