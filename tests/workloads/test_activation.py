from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small
from workloads.activation import FUNCTIONS, REFERENCES, build
from workloads.case import Case
from workloads.catalog.activation import FLOPS_PER_ELEMENT, tolerance
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

NAMES = pytest.mark.parametrize("name", list(FUNCTIONS))
DTYPE_OF = {"f32": "float32", "bf16": "bfloat16"}
DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])


def of(small: Small, name: str, dtype: str = "f32") -> Case:
    """A small case of `name`, with the tolerance that the catalogue gives it."""
    return replace(small("activation", dtype, activation=name), tolerance=tolerance(name, dtype))


def test_every_activation_has_a_reference_and_a_cost() -> None:
    assert set(FUNCTIONS) == set(REFERENCES) == set(FLOPS_PER_ELEMENT)


@NAMES
@DTYPES
def test_the_activation_is_right(small: Small, name: str, dtype: str) -> None:
    case = of(small, name, dtype)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (2e-5 if dtype == "f32" else case.tolerance)
    assert prepared.call().dtype == DTYPE_OF[dtype]


@NAMES
@DTYPES
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, name: str, dtype: str) -> None:
    case = of(small, name, dtype)

    def scaled(*arguments: jax.Array) -> jax.Array:
        right = FUNCTIONS[name](*arguments)
        return (1.01 * right.astype(jnp.float32)).astype(right.dtype)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaled))


@DTYPES
def test_a_layernorm_without_bias_is_refused(small: Small, dtype: str) -> None:
    case = of(small, "layernorm", dtype)

    def biasless(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
        return FUNCTIONS["layernorm"](x, scale, jnp.zeros_like(bias))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=biasless))


@DTYPES
def test_a_norm_without_scale_is_refused(small: Small, dtype: str) -> None:
    case = of(small, "rmsnorm", dtype)

    def scaleless(x: jax.Array, scale: jax.Array) -> jax.Array:
        return FUNCTIONS["rmsnorm"](x, jnp.ones_like(scale))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaleless))


@DTYPES
def test_a_softmax_over_the_wrong_axis_is_refused(small: Small, dtype: str) -> None:
    case = of(small, "softmax", dtype)

    def down(x: jax.Array) -> jax.Array:
        return jax.nn.softmax(x, axis=0)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=down))


@DTYPES
def test_a_relu_that_leaks_is_refused(small: Small, dtype: str) -> None:
    case = of(small, "relu", dtype)

    def leaky(x: jax.Array) -> jax.Array:
        return jax.nn.leaky_relu(x, 0.1)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=leaky))


def test_gelu_by_the_error_function_is_another_function(small: Small) -> None:
    case = small("activation", activation="gelu")

    def by_erf(x: jax.Array) -> jax.Array:
        return jax.nn.gelu(x, approximate=False)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=by_erf))
