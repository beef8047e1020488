from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from tests.workloads.conftest import Small
from workloads.dense import Gradients, backward, build, dense
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import exact

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])


def biasless(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return dense(x, weights, jnp.zeros_like(bias))


def scaled(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return (1.01 * dense(x, weights, bias).astype(jnp.float32)).astype(x.dtype)


def linear(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return jnp.matmul(x, weights.T) + bias


def untransposed(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return dense(x, weights.T, bias)


def of_a_biasless(x: jax.Array, weights: jax.Array, bias: jax.Array, dy: jax.Array) -> Gradients:
    return backward(x, weights, jnp.zeros_like(bias), dy)


def of_a_linear(x: jax.Array, weights: jax.Array, bias: jax.Array, dy: jax.Array) -> Gradients:
    return Gradients(dy @ weights, dy.T @ x, dy.sum(axis=0))


def averaged(x: jax.Array, weights: jax.Array, bias: jax.Array, dy: jax.Array) -> Gradients:
    right = backward(x, weights, bias, dy)
    return Gradients(*(leaf / len(x) for leaf in right))


def without_the_bias_s(x: jax.Array, weights: jax.Array, bias: jax.Array, dy: jax.Array) -> Any:
    return backward(x, weights, bias, dy)[:2]


def of_one_row_less(x: jax.Array, weights: jax.Array, bias: jax.Array, dy: jax.Array) -> Gradients:
    right = backward(x, weights, bias, dy)
    return right._replace(weights=backward(x[1:], weights, bias, dy[1:]).weights)


@DTYPES
@pytest.mark.parametrize("batch", [1, 16])
def test_the_layer_is_right(small: Small, dtype: str, batch: int) -> None:
    case = small("dense", dtype, batch=batch)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-5 if dtype == "f32" else case.tolerance)


@DTYPES
@pytest.mark.parametrize("batch", [1, 16])
def test_the_gradients_are_right(small: Small, dtype: str, batch: int) -> None:
    case = small("dense/backward", dtype, batch=batch)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-4 if dtype == "f32" else case.tolerance)
    assert prepared.program.warnings() == []


@pytest.mark.usefixtures("hasty")
def test_the_gradients_agree_with_finite_differences(small: Small) -> None:
    x, weights, bias, dy = build(small("dense/backward", batch=3, inputs=4, outputs=5)).arguments
    with jax.enable_x64(True):
        wide = tuple(jnp.asarray(exact(leaf)) for leaf in (x, weights, bias))
        cotangent = jnp.asarray(exact(dy))
        gradient, _ = ravel_pytree(jax.jit(backward)(*wide, cotangent))
        theta, shaped = ravel_pytree(wide)

        def slope(step: jax.Array) -> jax.Array:
            ends = ((dense(*shaped(theta + end)) * cotangent).sum() for end in (step, -step))
            return (next(ends) - next(ends)) / (2 * step.max())

        slopes = jax.jit(jax.vmap(slope))(1e-6 * jnp.eye(theta.size))
        assert np.asarray(gradient) == pytest.approx(np.asarray(slopes), abs=1e-8)


@DTYPES
@pytest.mark.parametrize("wrong", [biasless, scaled, linear, untransposed])
@pytest.mark.usefixtures("hasty")
def test_wrong_arithmetic_is_refused(
    small: Small, dtype: str, wrong: Callable[..., jax.Array]
) -> None:
    case = small("dense", dtype, inputs=48, outputs=48)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))


@DTYPES
@pytest.mark.parametrize(
    "wrong", [of_a_biasless, of_a_linear, averaged, without_the_bias_s, of_one_row_less]
)
@pytest.mark.usefixtures("hasty")
def test_wrong_gradients_are_refused(small: Small, dtype: str, wrong: Callable[..., Any]) -> None:
    case = small("dense/backward", dtype)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))
