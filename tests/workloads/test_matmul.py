from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small
from workloads.matmul import build
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])


@DTYPES
def test_the_product_is_right(small: Small, dtype: str) -> None:
    case = small("matmul", dtype)
    assert prepare(case, build(case)).numerics_error < case.tolerance


@DTYPES
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, dtype: str) -> None:
    case = small("matmul", dtype)

    def scaled(a: jax.Array, b: jax.Array) -> jax.Array:
        return (1.01 * jnp.matmul(a, b).astype(jnp.float32)).astype(a.dtype)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaled))


@DTYPES
def test_a_product_that_drops_one_term_is_refused(small: Small, dtype: str) -> None:
    case = small("matmul", dtype)

    def short(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.matmul(a[:, 1:], b[1:])

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=short))


def test_f32_computed_in_bf16_is_refused(small: Small) -> None:
    case = small("matmul", m=256, k=256, n=256)

    def lower(a: jax.Array, b: jax.Array) -> jax.Array:
        product = jnp.matmul(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16))
        return product.astype(jnp.float32)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=lower))
