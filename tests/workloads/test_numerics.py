import math

import numpy as np
import pytest

from tests.workloads.conftest import Small
from workloads.numerics import BLOCK, WrongNumbers, check, compare


def test_error_is_the_largest_gap_in_units_of_the_reference() -> None:
    reference = np.array([3.0, -3.0, 3.0, -3.0])
    error, scale = compare(np.array([3.0, -3.0, 3.0, -2.7]), reference)
    assert error == pytest.approx(0.1)
    assert scale == pytest.approx((27 + 8.1) / 36)


def test_one_wrong_element_in_a_late_block_is_seen() -> None:
    reference = np.ones(2 * BLOCK + 5)
    output = reference.astype(np.float32)
    output[-1] = 3.0
    assert compare(output, reference)[0] == pytest.approx(2.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [0, BLOCK, 2 * BLOCK])
def test_what_is_not_finite_is_infinitely_wrong(bad: float, where: int) -> None:
    output = np.ones(2 * BLOCK + 1, dtype=np.float32)
    output[where] = bad
    assert compare(output, np.ones(2 * BLOCK + 1))[0] == math.inf


def test_another_shape_is_infinitely_wrong() -> None:
    assert compare(np.ones((1, 4)), np.ones(4))[0] == math.inf


def test_a_reference_of_zeros_proves_nothing() -> None:
    assert compare(np.zeros(4), np.zeros(4))[0] == math.inf


def test_check_returns_the_error_of_a_right_answer(small: Small) -> None:
    assert check(small("matmul"), np.ones(4), np.ones(4)) == 0.0


def test_the_message_names_case_error_and_tolerance(small: Small) -> None:
    with pytest.raises(WrongNumbers, match=r"matmul/small/f32: numerics error 1 .*tolerance 0.005"):
        check(small("matmul"), np.zeros(4), np.ones(4))


def test_a_wrong_factor_within_the_tolerance_is_refused(small: Small) -> None:
    reference = np.resize([1.0, -1.0], 64)
    with pytest.raises(WrongNumbers, match=r"1\.01 times the reference"):
        check(small("transformer", "bf16"), 1.01 * reference, reference)
