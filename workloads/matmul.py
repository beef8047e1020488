"""C = A B: one matrix product or a batch of them, as `jnp.matmul` gives it by default.

In bf16 and f16 the output has the inputs' dtype and the backend accumulates in f32; in f32 an
accelerator may multiply in TF32. All are what a user gets who asks for nothing else. int8 and
f8 need a wider output, which is asked for.

Where there are `passes`, that many within a call: `workloads.chain`.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from workloads import chain
from workloads.case import Case
from workloads.problem import Float64Array, Problem, exact, generator, normal, on_device

OUTPUTS = {"int8": jnp.int32, "f8": jnp.float32}
"""Dtypes of outputs that are not the inputs'."""


def matmul(a: jax.Array, b: jax.Array, output: DTypeLike | None = None) -> jax.Array:
    """(..., m, k) @ (..., k, n) -> (..., m, n), accumulated and returned in `output`."""
    return jnp.matmul(a, b, preferred_element_type=output)


def build(case: Case) -> Problem:
    """Parameters: m, k, n, and batch where there is any; of a chain see there."""
    if "passes" in case.parameters:
        return chain.build(case)
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    batch = (case.integer("batch"),) if "batch" in case.parameters else ()
    source, output = generator(case), OUTPUTS.get(case.dtype)
    draw = whole if case.dtype == "int8" else partial(normal, dtype=case.dtype)
    a, b = draw(source, (*batch, m, k)), draw(source, (*batch, k, n))
    return Problem(
        function=partial(matmul, output=output),
        arguments=(a, b),
        reference=lambda: reference(a, b),
    )


def whole(source: np.random.Generator, shape: tuple[int, ...]) -> jax.Array:
    """A device array of int8, each of -127 to 127 as likely: quantised weights leave out -128."""
    return on_device(source.integers(-127, 127, size=shape, dtype=np.int8, endpoint=True))


def reference(a: jax.Array, b: jax.Array) -> Float64Array:
    """The product in float64, by BLAS; exact for int8."""
    return exact(a) @ exact(b)
