"""The same product again and again within a call, forward or as either gradient asks for it.

`nothing`, a zero that only the caller knows of, times the last result is added to the next one's
first element, so that none can be left out.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from workloads.case import Case
from workloads.catalog.chain import FEW_ROWS, variant_of
from workloads.prepare import queues
from workloads.problem import Float64Array, Problem, exact, generator, normal

UNROLL = {True: 16, False: 4}
"""Products in one turn of a chain's loop, on a device where calls queue and on CPU: a turn costs
some 10 us on a GPU and 1 us on CPU, and each product more costs a compilation's time."""

Product = Callable[[jax.Array, jax.Array], jax.Array]


def build(case: Case) -> Problem:
    """Parameters: m, k, n, passes; weights, or batch, variant and axes, where there are any."""
    if "weights" in case.parameters:
        return apart(case)
    variant = variant_of(case)
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    batch = (case.integer("batch"),) if "batch" in case.parameters else ()
    first, second = {
        "forward": ((*batch, m, k), (*batch, k, n)),
        "input-gradient": ((*batch, m, k), (*batch, n, k)),
        "weight-gradient": ((k, m), (k, n)),
    }[variant]
    source = generator(case)
    a, b = normal(source, first, case.dtype), normal(source, second, case.dtype)
    few = m <= FEW_ROWS and not queues()
    return Problem(
        function=partial(
            chained,
            passes=case.integer("passes"),
            product=PRODUCTS[variant],
            between=normalised if few else unchanged,
        ),
        arguments=(*(_with_axes(each, case) for each in (a, b)), jnp.zeros((), a.dtype)),
        reference=lambda: REFERENCES[variant](_normalised(exact(a)) if few else exact(a), exact(b)),
    )


def apart(case: Case) -> Problem:
    """One product with each of `weights`, of the same rows. Weights are the first one turned."""
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    source = generator(case)
    a, first = normal(source, (m, k), case.dtype), normal(source, (k, n), case.dtype)
    weights = tuple(jnp.roll(first, place, axis=0) for place in range(case.integer("weights")))

    def function(a: jax.Array, weights: tuple[jax.Array, ...], nothing: jax.Array) -> jax.Array:
        last = jnp.zeros((m, n), a.dtype)
        for weight in weights:
            a = normalised(a, nothing * last[0, 0])
            last = forward(a, weight)
        return last

    return Problem(
        function=function,
        arguments=(a, weights, jnp.zeros((), a.dtype)),
        reference=lambda: _normalised(exact(a)) @ exact(weights[-1]),
    )


def _with_axes(rows: jax.Array, case: Case) -> jax.Array:
    """Those of a weight's gradient as an array of sequences."""
    axes = case.parameters.get("axes", 1)
    return rows if axes == 1 else rows.reshape(4, -1, rows.shape[-1])


def chained(
    a: jax.Array, b: jax.Array, nothing: jax.Array, passes: int, product: Product, between: Product
) -> jax.Array:
    """`product` of a, which `between` makes anew, and b, `passes` times."""

    def once(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        a, last = state
        a = between(a, nothing * last[(0,) * last.ndim].astype(a.dtype))
        return a, product(a, b)

    begin = a, jnp.zeros_like(product(a, b))
    end: jax.Array = jax.lax.fori_loop(
        0, passes, once, begin, unroll=min(passes, UNROLL[queues()])
    )[1]
    return end


def unchanged(rows: jax.Array, nothing: jax.Array) -> jax.Array:
    """The same array, `nothing` added to its first element, in place."""
    start = (0,) * rows.ndim
    first = jax.lax.slice(rows, start, (1,) * rows.ndim)
    return jax.lax.dynamic_update_slice(rows, first + nothing, start)


def normalised(rows: jax.Array, nothing: jax.Array) -> jax.Array:
    """Each row over its root mean square, in f32: of what is normalised the same again."""
    wide = rows.astype(jnp.float32) + nothing.astype(jnp.float32)
    means = jnp.square(wide).mean(axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(means)).astype(rows.dtype)


def _normalised(rows: Float64Array) -> Float64Array:
    found: Float64Array = rows / np.sqrt(np.square(rows).mean(axis=-1, keepdims=True))
    return found


def forward(rows: jax.Array, weight: jax.Array) -> jax.Array:
    """(..., m, k) (..., k, n)."""
    return jnp.matmul(rows, weight)


def by_input(gradient: jax.Array, weight: jax.Array) -> jax.Array:
    """(..., m, k) by the transposed (..., n, k), as a gradient asks for it."""
    rows = jnp.zeros((*gradient.shape[:-1], weight.shape[-2]), gradient.dtype)
    transposed = jax.linear_transpose(lambda rows: forward(rows, weight), rows)
    found: jax.Array = transposed(gradient)[0]
    return found


def by_weight(rows: jax.Array, gradient: jax.Array) -> jax.Array:
    """The transposed (..., k, m) by (..., k, n), over all axes but the last one."""
    weight = jnp.zeros((rows.shape[-1], gradient.shape[-1]), rows.dtype)
    transposed = jax.linear_transpose(lambda weight: forward(rows, weight), weight)
    found: jax.Array = transposed(gradient)[0]
    return found


PRODUCTS: dict[str, Product] = {
    "forward": forward,
    "input-gradient": by_input,
    "weight-gradient": by_weight,
}

REFERENCES: dict[str, Callable[[Float64Array, Float64Array], Float64Array]] = {
    "forward": lambda a, b: a @ b,
    "input-gradient": lambda a, b: a @ b.swapaxes(-1, -2),
    "weight-gradient": lambda a, b: a.T @ b,
}
