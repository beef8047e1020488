from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small
from workloads.dense import build, dense
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare


def biasless(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return dense(x, weights, jnp.zeros_like(bias))


def scaled(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return 1.01 * dense(x, weights, bias)


def linear(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return jnp.matmul(x, weights.T) + bias


def untransposed(x: jax.Array, weights: jax.Array, bias: jax.Array) -> jax.Array:
    return dense(x, weights.T, bias)


def test_the_layer_is_right(small: Small) -> None:
    case = small("dense")
    assert prepare(case, build(case)).numerics_error < 1e-5


@pytest.mark.parametrize("wrong", [biasless, scaled, linear, untransposed])
def test_wrong_arithmetic_is_refused(small: Small, wrong: Callable[..., jax.Array]) -> None:
    case = small("dense", inputs=48, outputs=48)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))
