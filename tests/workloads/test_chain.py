"""Each product of a chain is made, and is the one that a gradient or a cache asks for."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small
from workloads import chain
from workloads.catalog import CASES
from workloads.catalog.chain import FEW_ROWS
from workloads.matmul import build
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

CHAINS = [case for case in CASES if case.workload == "matmul" and "passes" in case.parameters]

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])

KINDS: list[dict[str, Any]] = [
    {},
    {"batch": 3},
    {"m": FEW_ROWS + 1},
    {"variant": "input-gradient", "axes": 1},
    {"variant": "input-gradient", "axes": 1, "batch": 3},
    {"variant": "weight-gradient", "axes": 1},
    {"variant": "weight-gradient", "axes": 2},
]

VARIANTS = pytest.mark.parametrize("kind", KINDS, ids=str)


@DTYPES
@VARIANTS
def test_it_multiplies_as_often_as_it_says(small: Small, dtype: str, kind: dict[str, Any]) -> None:
    """Each product needs the one before it, so that none can be left out."""
    case = small("matmul", dtype, **{"m": 8, "passes": 3, **kind})
    prepared = prepare(case, build(case))
    assert prepared.numerics_error <= case.tolerance
    assert prepared.program.kernels is not None
    assert prepared.program.kernels >= 3


@VARIANTS
def test_a_factor_that_is_not_the_other_way_round_is_refused(
    small: Small, kind: dict[str, Any]
) -> None:
    """Square ones, whose shapes do not tell."""
    case = small("matmul", "f32", **{"m": 40, "k": 40, "n": 40, "passes": 3, **kind})
    problem = build(case)
    a, b, nothing = problem.arguments
    turned = b[::-1] if kind.get("axes") == 2 else b.swapaxes(-1, -2)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, arguments=(a, turned, nothing)))


def test_of_few_rows_each_product_gets_normal_ones(small: Small) -> None:
    rows = 3 * jnp.ones((2, 4)) * jnp.array([[1.0], [-2.0]])
    nothing = jnp.zeros(())
    assert np.allclose(chain.normalised(rows, nothing), [[1] * 4, [-1] * 4])
    assert np.array_equal(chain.unchanged(rows, nothing), rows)
    case = small("matmul", "f32", m=FEW_ROWS, passes=3)
    problem = build(case)
    unlike = partial(problem.function, between=chain.unchanged)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=unlike))


@DTYPES
def test_of_many_weights_each_is_used(small: Small, dtype: str) -> None:
    case = small("matmul", dtype, m=4, k=40, n=40, passes=3, weights=3)
    problem = build(case)
    prepared = prepare(case, problem)
    assert prepared.numerics_error <= case.tolerance
    assert prepared.program.kernels is not None
    assert prepared.program.kernels >= 3
    a, weights, nothing = problem.arguments
    assert len({np.asarray(weight).tobytes() for weight in weights}) == 3
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, arguments=(a, weights[:2], nothing)))


def test_ids_tell_what_is_multiplied() -> None:
    ids = {case.id for case in CHAINS}
    assert len(ids) == len(CHAINS)
    assert {
        "matmul/4x256x256-chained/f32",
        "matmul/4x1024x1024-chained-over-16-weights/f32",
        "matmul/16x4x32x256-chained-input-gradient/bf16",
        "matmul/256x512x256-chained-weight-gradient-over-2-axes/bf16",
    } <= ids


@pytest.mark.parametrize("case", CHAINS, ids=lambda case: case.id)
def test_a_chain_costs_what_its_products_do(case: Any) -> None:
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    batch = case.parameters.get("batch", 1)
    assert case.cost.flops == 2 * batch * m * k * n * case.integer("passes")
