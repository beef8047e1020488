"""C = A B: one matrix product or a batch of them, as `jnp.matmul` gives it by default.

In bf16 and f16 the output has the inputs' dtype and the backend accumulates in f32; in f32 an
accelerator may multiply in TF32. All are what a user gets who asks for nothing else. int8 and
f8 need a wider output, which is asked for.

Where there are `passes`, that many within a call: no way from the host to the device lies between.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from workloads.case import Case
from workloads.prepare import queues
from workloads.problem import Float64Array, Problem, exact, generator, normal, on_device

UNROLL = {True: 16, False: 4}
"""Products in one turn of a chain's loop, on a device where calls queue and on CPU: a turn costs
some 10 us on a GPU and 1 us on CPU, and each product more costs a compilation's time."""

OUTPUTS = {"int8": jnp.int32, "f8": jnp.float32}
"""Dtypes of outputs that are not the inputs'."""


def matmul(a: jax.Array, b: jax.Array, output: DTypeLike | None = None) -> jax.Array:
    """(..., m, k) @ (..., k, n) -> (..., m, n), accumulated and returned in `output`."""
    return jnp.matmul(a, b, preferred_element_type=output)


def build(case: Case) -> Problem:
    """Parameters: m, k, n, and batch and passes where there are any."""
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    batch = (case.integer("batch"),) if "batch" in case.parameters else ()
    source, output = generator(case), OUTPUTS.get(case.dtype)
    draw = whole if case.dtype == "int8" else partial(normal, dtype=case.dtype)
    a, b = draw(source, (*batch, m, k)), draw(source, (*batch, k, n))
    if "passes" not in case.parameters:
        return Problem(
            function=partial(matmul, output=output),
            arguments=(a, b),
            reference=lambda: reference(a, b),
        )
    return Problem(
        function=partial(chained, passes=case.integer("passes"), output=output),
        arguments=(a, b, jnp.zeros((), output or a.dtype)),
        reference=lambda: reference(a, b),
    )


def chained(
    a: jax.Array, b: jax.Array, nothing: jax.Array, passes: int, output: DTypeLike | None = None
) -> jax.Array:
    """The same product again and again. `nothing`, a zero that only the caller knows of, times the
    last result is added to the next one's first element, so that none can be left out."""

    def once(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        a, last = state
        start, one = (0,) * a.ndim, (1,) * a.ndim
        first, told = jax.lax.slice(a, start, one), jax.lax.slice(last, start, one)
        changed = first + (nothing * told).astype(a.dtype)
        a = jax.lax.dynamic_update_slice(a, changed, start)
        return a, matmul(a, b, output)

    begin = a, jnp.zeros_like(matmul(a, b, output))
    end: jax.Array = jax.lax.fori_loop(
        0, passes, once, begin, unroll=min(passes, UNROLL[queues()])
    )[1]
    return end


def whole(source: np.random.Generator, shape: tuple[int, ...]) -> jax.Array:
    """A device array of int8, each of -127 to 127 as likely: quantised weights leave out -128."""
    return on_device(source.integers(-127, 127, size=shape, dtype=np.int8, endpoint=True))


def reference(a: jax.Array, b: jax.Array) -> Float64Array:
    """The product in float64, by BLAS; exact for int8."""
    return exact(a) @ exact(b)
