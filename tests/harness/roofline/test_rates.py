"""Shapes and sizes between those that were measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.roofline.rates import PARAMETERS, Curve, Products

SHAPES = np.array(
    [[1, m, side, side] for side in (256, 1024) for m in (1, 4, 16, 64, 256, 1024)], dtype=float
)


def products(seconds: np.ndarray, shapes: np.ndarray = SHAPES) -> Products:
    return Products(shapes=shapes, seconds=seconds, flops=2 * shapes.prod(axis=1))


def by_flops(shapes: np.ndarray, rate: float = 1e11) -> np.ndarray:
    return np.asarray(2 * shapes.prod(axis=1) / rate)


def test_where_flop_alone_count_any_shape_is_known() -> None:
    found = products(by_flops(SHAPES))([[3, 100, 700, 900]])
    assert found == pytest.approx([2 * 3 * 100 * 700 * 900 / 1e11], rel=1e-3)


def test_matrices_that_are_moved_count_beside_flop() -> None:
    """A weight at 4e10 bytes/s: what few rows wait for."""
    weights_s = 4 * SHAPES[:, 2] * SHAPES[:, 3] / 4e10
    found = products(by_flops(SHAPES) + weights_s)([[1, 2, 4096, 4096]])
    assert found == pytest.approx([2 * 2 * 4096**2 / 1e11 + 4 * 4096**2 / 4e10], rel=0.02)


def test_a_shape_that_is_slower_than_its_like_is_so_nearby_and_not_far_away() -> None:
    slow = by_flops(SHAPES)
    slow[2] *= 1.8
    found = products(slow)
    near, far = [[1, 18, 256, 256]], [[1, 2000, 1500, 1500]]
    assert found(near)[0] > 1.2 * by_flops(np.array(near))[0]
    assert found(far)[0] == pytest.approx(by_flops(np.array(far))[0], rel=0.15)


@given(st.floats(1e-3, 1e3))
def test_a_machine_that_is_twice_as_slow_takes_twice_as_long(factor: float) -> None:
    scattered = by_flops(SHAPES) * (1 + 0.2 * np.sin(np.arange(len(SHAPES))))
    wanted = [[1, 100, 300, 500], [16, 128, 64, 128]]
    once, again = products(scattered)(wanted), products(factor * scattered)(wanted)
    assert again == pytest.approx(factor * once, rel=1e-6)


@given(st.permutations(range(len(SHAPES))))
def test_the_order_of_measurement_does_not_matter(order: list[int]) -> None:
    seconds = by_flops(SHAPES) * (1 + 0.2 * np.cos(np.arange(len(SHAPES))))
    found = products(seconds[order], SHAPES[order])([[1, 30, 400, 400]])
    assert found == pytest.approx(products(seconds)([[1, 30, 400, 400]]), rel=1e-6)


def test_of_few_shapes_the_trend_is_all() -> None:
    few = SHAPES[:PARAMETERS]
    assert products(by_flops(few), few)([[1, 512, 512, 512]]) == pytest.approx(
        by_flops(np.array([[1, 512, 512, 512.0]])), rel=1e-3
    )


def test_one_shape_that_was_measured_twice_counts_as_its_mean() -> None:
    shapes = np.concatenate([SHAPES, SHAPES[:1]])
    seconds = by_flops(shapes)
    seconds[0] *= 1.2
    seconds[-1] /= 1.2
    found = products(seconds, shapes)(SHAPES[:1].tolist())
    assert found == pytest.approx(by_flops(SHAPES[:1]), rel=0.1)


def test_the_peak_is_the_fastest_shape() -> None:
    seconds = by_flops(SHAPES)
    seconds[-1] /= 2
    assert products(seconds).peak_flops_per_s == pytest.approx(2e11)


def test_of_the_peak_what_is_needed_counts() -> None:
    """A convolution's shape counts the padding as well."""
    needed = 2 * SHAPES.prod(axis=1) * 0.8
    found = Products(shapes=SHAPES, seconds=by_flops(SHAPES), flops=needed)
    assert found.peak_flops_per_s == pytest.approx(0.8e11)


CURVE = Curve(sizes=np.array([1e3, 1e4, 1e6, 1e7]), rates=np.array([100.0, 95.0, 20.0, 19.0]))


def test_a_curve_goes_through_what_was_measured() -> None:
    assert [CURVE(size) for size in CURVE.sizes] == pytest.approx(CURVE.rates.tolist())


def test_it_is_straight_in_logarithms_between_and_level_beyond() -> None:
    assert CURVE(1e5) == pytest.approx((95.0 * 20.0) ** 0.5)
    assert (CURVE(1.0), CURVE(0.0), CURVE(1e12)) == pytest.approx((100.0, 100.0, 19.0))


def test_plateaus_are_stretches_of_one_rate() -> None:
    assert CURVE.plateaus() == [(1e3, 1e4, 97.5), (1e6, 1e7, 19.5)]


def test_a_slope_is_no_plateau() -> None:
    falling = Curve(sizes=np.array([1.0, 2, 4, 8]), rates=np.array([80.0, 40, 20, 10]))
    assert len(falling.plateaus()) == 4
