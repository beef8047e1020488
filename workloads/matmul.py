"""C = A B: one matrix product, as `jnp.matmul` gives it by default.

In bf16 the output is bf16 and the backend accumulates in f32; in f32 an accelerator may
multiply in TF32. Both are what a user gets who asks for nothing else.
"""

import jax
import jax.numpy as jnp

from workloads.case import Case
from workloads.problem import Float64Array, Problem, exact, generator, normal


def matmul(a: jax.Array, b: jax.Array) -> jax.Array:
    """(m, k) @ (k, n) -> (m, n)."""
    return jnp.matmul(a, b)


def build(case: Case) -> Problem:
    """Parameters: m, k, n."""
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    source = generator(case)
    a = normal(source, (m, k), case.dtype)
    b = normal(source, (k, n), case.dtype)
    return Problem(function=matmul, arguments=(a, b), reference=lambda: reference(a, b))


def reference(a: jax.Array, b: jax.Array) -> Float64Array:
    """The product in float64, by BLAS."""
    return exact(a) @ exact(b)
