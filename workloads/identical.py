"""Is every byte the same? For what is moved, not computed, there is no tolerance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.numerics import BLOCK, WrongNumbers


def check_bytes(case: Case, output: NDArray[Any], expected: NDArray[Any]) -> float:
    """0.0, the numerics error. Raises `WrongNumbers` for another byte, shape or dtype."""
    if (output.dtype, output.shape) != (expected.dtype, expected.shape):
        raise WrongNumbers(
            f"{case.id}: {output.dtype}{list(output.shape)} came out, "
            f"{expected.dtype}{list(expected.shape)} went in; not timed"
        )
    flat = (np.ascontiguousarray(each).reshape(-1) for each in (output, expected))
    got, wanted = (each.view(np.uint8) for each in flat)
    for start in range(0, wanted.size, BLOCK):
        wrong = np.flatnonzero(got[start : start + BLOCK] != wanted[start : start + BLOCK])
        if wrong.size:
            raise WrongNumbers(
                f"{case.id}: byte {start + int(wrong[0]):,} of {wanted.size:,} is "
                f"{got[start + wrong[0]]}, not {wanted[start + wrong[0]]}; not timed"
            )
    return 0.0
