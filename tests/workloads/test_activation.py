from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small
from workloads.activation import FUNCTIONS, REFERENCES, build
from workloads.catalog.activation import FLOPS_PER_ELEMENT
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

NAMES = pytest.mark.parametrize("name", list(FUNCTIONS))


def test_every_activation_has_a_reference_and_a_cost() -> None:
    assert set(FUNCTIONS) == set(REFERENCES) == set(FLOPS_PER_ELEMENT)


@NAMES
def test_the_activation_is_right(small: Small, name: str) -> None:
    case = small("activation", activation=name)
    assert prepare(case, build(case)).numerics_error < 2e-5


@NAMES
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, name: str) -> None:
    case = small("activation", activation=name)

    def scaled(*arguments: jax.Array) -> jax.Array:
        return 1.01 * FUNCTIONS[name](*arguments)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaled))


def test_a_layernorm_without_bias_is_refused(small: Small) -> None:
    case = small("activation", activation="layernorm")

    def biasless(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
        return FUNCTIONS["layernorm"](x, scale, jnp.zeros_like(bias))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=biasless))


def test_a_norm_without_scale_is_refused(small: Small) -> None:
    case = small("activation", activation="rmsnorm")

    def scaleless(x: jax.Array, scale: jax.Array) -> jax.Array:
        return FUNCTIONS["rmsnorm"](x, jnp.ones_like(scale))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaleless))


def test_gelu_by_the_error_function_is_another_function(small: Small) -> None:
    case = small("activation", activation="gelu")

    def by_erf(x: jax.Array) -> jax.Array:
        return jax.nn.gelu(x, approximate=False)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=by_erf))
