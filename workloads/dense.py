"""y = sigmoid(x W^T + b), one fully connected layer, and its gradients; W is (outputs, inputs)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workloads.case import Case
from workloads.problem import Float64Array, Problem, exact, generator, normal


class Gradients(NamedTuple):
    """Of sum(y * cotangent), shaped like what they are gradients of."""

    x: jax.Array
    weights: jax.Array
    bias: jax.Array


def dense(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    """x (batch, inputs), weights (outputs, inputs), bias (outputs,) -> (batch, outputs).

    Contracted as stored: XLA's CPU backend takes `weights.T` at its word and copies all of it
    in every call, which is 13 times slower for a single row.
    """
    return jax.nn.sigmoid(jnp.einsum("bi,oi->bo", x, weights) + bias)


def backward(x: jax.Array, weights: jax.Array, bias: jax.Array, cotangent: jax.Array) -> Gradients:
    """The vector-Jacobian product of `dense` with cotangent (batch, outputs)."""
    _, pull_back = jax.vjp(dense, x, weights, bias)
    return Gradients(*pull_back(cotangent))


def build(case: Case) -> Problem:
    """Parameters: batch, inputs, outputs. Weights are N(0, 1/inputs): no saturated sigmoid."""
    batch, inputs, outputs = (case.integer(name) for name in ("batch", "inputs", "outputs"))
    source = generator(case)
    x = normal(source, (batch, inputs), case.dtype)
    weights = normal(source, (outputs, inputs), case.dtype, scale=inputs**-0.5)
    bias = normal(source, (outputs,), case.dtype)
    if case.phase == "forward":
        return Problem(
            function=dense,
            arguments=(x, weights, bias),
            reference=lambda: reference(x, weights, bias),
        )
    cotangent = normal(source, (batch, outputs), case.dtype)
    return Problem(
        function=backward,
        arguments=(x, weights, bias, cotangent),
        reference=lambda: backward_reference(x, weights, bias, cotangent),
    )


def reference(x: jax.Array, weights: jax.Array, bias: jax.Array) -> Float64Array:
    """The layer in float64."""
    scores: Float64Array = exact(x) @ exact(weights).T + exact(bias)
    return np.reciprocal(1.0 + np.exp(-scores))


def backward_reference(
    x: jax.Array, weights: jax.Array, bias: jax.Array, cotangent: jax.Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The gradients of x, weights and bias by hand, in float64."""
    y = reference(x, weights, bias)
    at_scores: Float64Array = exact(cotangent) * y * (1.0 - y)
    return at_scores @ exact(weights), at_scores.T @ exact(x), at_scores.sum(axis=0)
