from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small
from workloads.catalog import select
from workloads.catalog.matmul import TOLERANCES
from workloads.matmul import build, matmul
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import exact

DTYPES = pytest.mark.parametrize("dtype", list(TOLERANCES))
ROUNDED = pytest.mark.parametrize("dtype", ["f32", "bf16", "f16", "f8"])


@DTYPES
@pytest.mark.parametrize("batch", [{}, {"batch": 3}])
def test_the_product_is_right(small: Small, dtype: str, batch: dict[str, int]) -> None:
    case = small("matmul", dtype, **batch)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error <= case.tolerance
    assert prepared.call().shape == (*batch.values(), 48, 40)


@pytest.mark.parametrize(
    ("dtype", "output"),
    [
        ("f32", "float32"),
        ("bf16", "bfloat16"),
        ("f16", "float16"),
        ("int8", "int32"),
        ("f8", "float32"),
    ],
)
def test_the_output_s_dtype(small: Small, dtype: str, output: str) -> None:
    case = small("matmul", dtype)
    assert prepare(case, build(case)).call().dtype == output


def test_whole_numbers_fill_their_range_and_are_exact(small: Small) -> None:
    case = small("matmul", "int8", m=128, k=128)
    problem = build(case)
    drawn = exact(problem.arguments[0])
    assert [int(x) for x in (drawn.min(), drawn.max())] == [-127, 127]
    assert prepare(case, problem).numerics_error == 0


def test_whole_numbers_off_by_one_are_refused(small: Small) -> None:
    case = small("matmul", "int8")

    def off(a: jax.Array, b: jax.Array) -> jax.Array:
        return matmul(a, b, jnp.int32).at[3, 5].add(1)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=off))


def test_whole_numbers_that_wrap_in_int8_are_refused(small: Small) -> None:
    case = small("matmul", "int8")

    def wrapping(a: jax.Array, b: jax.Array) -> jax.Array:
        return matmul(a, b, jnp.int8).astype(jnp.int32)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrapping))


@ROUNDED
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, dtype: str) -> None:
    case = small("matmul", dtype)
    problem = build(case)

    def scaled(a: jax.Array, b: jax.Array) -> jax.Array:
        product: jax.Array = problem.function(a, b)
        return (1.01 * product.astype(jnp.float32)).astype(product.dtype)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=scaled))


@DTYPES
def test_a_product_that_drops_one_term_is_refused(small: Small, dtype: str) -> None:
    case = small("matmul", dtype)
    problem = build(case)

    def short(a: jax.Array, b: jax.Array) -> jax.Array:
        product: jax.Array = problem.function(a[:, 1:], b[1:])
        return product

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=short))


@DTYPES
def test_matrices_of_a_batch_that_change_places_are_refused(small: Small, dtype: str) -> None:
    case = small("matmul", dtype, batch=3)
    problem = build(case)

    def turned(a: jax.Array, b: jax.Array) -> jax.Array:
        product: jax.Array = problem.function(a, jnp.roll(b, 1, axis=0))
        return product

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=turned))


@pytest.mark.parametrize(("dtype", "lower"), [("f32", jnp.bfloat16), ("f16", jnp.bfloat16)])
def test_a_product_computed_in_less_is_refused(small: Small, dtype: str, lower: jnp.dtype) -> None:
    case = small("matmul", dtype, m=256, k=256, n=256)

    def narrowed(a: jax.Array, b: jax.Array) -> jax.Array:
        product = jnp.matmul(a.astype(lower), b.astype(lower))
        return product.astype(a.dtype)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=narrowed))


def test_only_f8_is_for_some_platforms_alone() -> None:
    for case in select(["matmul/*"]):
        if "passes" not in case.parameters:  # of a GPU's caches some chains are too large for a CPU
            assert case.platforms == (("cuda",) if case.dtype == "f8" else ())


def test_products_of_int8_stay_below_2_to_the_31() -> None:
    longest = max(case.integer("k") for case in select(["matmul/*/int8"]))
    assert 127**2 * longest < np.iinfo(np.int32).max
