"""y = sigmoid(x W^T + b): one fully connected layer, weights (outputs, inputs)."""

import jax
import jax.numpy as jnp
import numpy as np

from workloads.case import Case
from workloads.problem import Float64Array, Problem, exact, generator, normal


def dense(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    """x (batch, inputs), weights (outputs, inputs), bias (outputs,) -> (batch, outputs).

    Contracted as stored: XLA's CPU backend takes `weights.T` at its word and copies all of it
    in every call, which is 13 times slower for a single row.
    """
    return jax.nn.sigmoid(jnp.einsum("bi,oi->bo", x, weights) + bias)


def build(case: Case) -> Problem:
    """Parameters: batch, inputs, outputs. Weights are N(0, 1/inputs): no saturated sigmoid."""
    batch, inputs, outputs = (case.integer(name) for name in ("batch", "inputs", "outputs"))
    source = generator(case)
    x = normal(source, (batch, inputs), case.dtype)
    weights = normal(source, (outputs, inputs), case.dtype, scale=inputs**-0.5)
    bias = normal(source, (outputs,), case.dtype)
    return Problem(
        function=dense,
        arguments=(x, weights, bias),
        reference=lambda: reference(x, weights, bias),
    )


def reference(x: jax.Array, weights: jax.Array, bias: jax.Array) -> Float64Array:
    """The layer in float64."""
    scores: Float64Array = exact(x) @ exact(weights).T + exact(bias)
    return np.reciprocal(1.0 + np.exp(-scores))
