"""Is the answer right? One error metric with a tolerance for each case, and one exception.

error = max |output - reference| / rms(reference)

The largest deviation, in units of the reference's typical size: unlike an element-wise
relative error it does not blow up where the reference crosses zero, and unlike a norm of the
whole it does not hide one wrong element among millions.

A wrong factor of 1 % hides below bf16's own rounding, but rounding averages out and a factor
does not: `check` therefore also bounds |scale - 1|, where scale is the least-squares factor
<output, reference> / <reference, reference>.
"""

import math
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.problem import Float64Array

SCALE_TOLERANCE = 3e-3
"""Largest |scale - 1|. Seen on CPU: 6e-5 in bf16; TF32 that truncates loses 7e-4."""

BLOCK = 2**16
"""Elements compared at a time: float64 temporaries that stay in the cache."""


class WrongNumbers(AssertionError):
    """A case's output is further from its reference than is allowed."""


def check(case: Case, output: Any, reference: Any) -> float:
    """The error of `output`, an array or a tree of arrays like `reference`: the largest of all.

    Raises `WrongNumbers` where it is above the case's tolerance, or the scale of any array is
    off by more than SCALE_TOLERANCE.
    """
    outputs, references = jax.tree.leaves(output), jax.tree.leaves(reference)
    if len(outputs) != len(references):
        raise WrongNumbers(
            f"{case.id}: {len(outputs)} arrays, and {len(references)} in the reference; not timed"
        )
    pairs = zip(outputs, references, strict=True)
    return max(_check_array(case, place, *pair) for place, pair in enumerate(pairs))


def _check_array(case: Case, place: int, output: NDArray[Any], reference: Float64Array) -> float:
    found, scale = compare(output, reference)
    if found > case.tolerance:
        raise WrongNumbers(
            f"{case.id}: numerics error {found:.3g} exceeds the tolerance {case.tolerance:.3g} "
            f"(max |output - reference| / rms(reference); array {place}: output {output.dtype}"
            f"{list(output.shape)}, reference {list(reference.shape)}); not timed"
        )
    if abs(scale - 1.0) > SCALE_TOLERANCE:
        raise WrongNumbers(
            f"{case.id}: array {place} is {scale:.5g} times the reference, further from 1 than "
            f"{SCALE_TOLERANCE:.3g} (numerics error {found:.3g}, tolerance "
            f"{case.tolerance:.3g}); not timed"
        )
    return found


def check_falls(case: Case, values: NDArray[Any]) -> None:
    """Raises `WrongNumbers` where a loss (steps,) does not end below its beginning."""
    if not values[-1] < values[0]:
        raise WrongNumbers(
            f"{case.id}: the loss does not fall: {values[0]:.6g} at first, {values[-1]:.6g} after "
            f"{len(values) - 1} steps; not timed"
        )


def compare(output: NDArray[Any], reference: Float64Array) -> tuple[float, float]:
    """(error, scale), both dimensionless.

    The error is infinite for another shape, for anything that is not finite, and for a
    reference of zeros (nothing could be wrong against it).
    """
    if output.shape != reference.shape:
        return math.inf, math.nan
    flat, wanted = output.reshape(-1), reference.reshape(-1)
    gaps, product = [], 0.0
    for start in range(0, wanted.size, BLOCK):
        block = slice(start, start + BLOCK)
        got = flat[block].astype(np.float64)
        product += _dot(got, wanted[block])
        gaps.append(np.abs(got - wanted[block]).max())
    worst, square = float(np.max(gaps)), _dot(wanted, wanted)
    if not math.isfinite(worst) or not square > 0:
        return math.inf, math.nan
    return worst / math.sqrt(square / wanted.size), product / square


def _dot(a: Float64Array, b: Float64Array) -> float:
    """Not by BLAS, whose threads wait for each other longer than a block's product takes."""
    return float(np.einsum("i,i->", a, b))
