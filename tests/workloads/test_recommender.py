"""DLRM against its reference, in training too, and with each part broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small, build
from workloads import recommender
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog import recommender as catalog
from workloads.catalog.recommender import SIZES, DlrmSize
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import exact
from workloads.recommender import Dense, Weights, step
from workloads.recommender_reference import looked_up

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])
PHASES = pytest.mark.parametrize("phase", ["forward", "train_step"])
TINY = DlrmSize(tables=2, rows=5, width=3, dense=4, bottom=(6,), top=(7,), rate=0.1)
RATE = SIZES["small"].rate

ORIGINAL_ROWS = recommender.rows
ORIGINAL_MLP = recommender.mlp
ORIGINAL_INTERACTIONS = recommender.interactions


def in_phase(small: Small, phase: str, dtype: str) -> Case:
    """A small case with the tolerance of `phase`."""
    case = small("recommender", dtype)
    like = find(f"recommender/medium/{phase}/{dtype}")
    return replace(case, phase=phase, tolerance=like.tolerance)


@DTYPES
@PHASES
def test_the_numbers_are_right(small: Small, phase: str, dtype: str) -> None:
    case = in_phase(small, phase, dtype)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-5 if dtype == "f32" else case.tolerance)


def test_the_logits_are_f32(small: Small) -> None:
    case = small("recommender", "bf16")
    assert prepare(case, build(case)).call().dtype == jnp.float32


# Broken parts


def off_by_one(tables: Any, indices: jax.Array, dtype: Any) -> list[jax.Array]:
    return ORIGINAL_ROWS(tables, indices + 1, dtype)


def tables_swapped(tables: Any, indices: jax.Array, dtype: Any) -> list[jax.Array]:
    return ORIGINAL_ROWS(tables, indices[:, ::-1], dtype)


def without_one_pair(vectors: jax.Array) -> jax.Array:
    return ORIGINAL_INTERACTIONS(vectors).at[:, -1].set(0)


def with_the_diagonal(vectors: jax.Array) -> jax.Array:
    """The upper triangle from the diagonal on, cut to as many."""
    products = jnp.einsum("biw,bjw->bij", vectors, vectors)
    first, second = np.triu_indices(vectors.shape[1])
    count = vectors.shape[1] * (vectors.shape[1] - 1) // 2
    return products[:, first[:count], second[:count]]


def in_another_order(vectors: jax.Array) -> jax.Array:
    products = jnp.einsum("biw,bjw->bij", vectors, vectors)
    first, second = np.triu_indices(vectors.shape[1], k=1)
    return products[:, first, second]


def without_bias(layers: tuple[Dense, ...], x: jax.Array) -> jax.Array:
    bare = tuple(layer._replace(bias=jnp.zeros_like(layer.bias)) for layer in layers)
    return ORIGINAL_MLP(bare, x)


def without_relu(layers: tuple[Dense, ...], x: jax.Array) -> jax.Array:
    for layer in layers:
        x = x @ layer.matrix.astype(x.dtype) + layer.bias.astype(x.dtype)
    return x


BROKEN = [
    ("rows", off_by_one),
    ("rows", tables_swapped),
    ("interactions", without_one_pair),
    ("interactions", with_the_diagonal),
    ("interactions", in_another_order),
    ("mlp", without_bias),
    ("mlp", without_relu),
]


@pytest.mark.parametrize(("phase", "dtype"), [("forward", "bf16"), ("train_step", "f32")])
@pytest.mark.parametrize(("part", "wrong"), BROKEN, ids=[wrong.__name__ for _, wrong in BROKEN])
@pytest.mark.usefixtures("hasty")
def test_a_broken_part_is_refused(
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    phase: str,
    part: str,
    wrong: Callable[..., Any],
) -> None:
    case = in_phase(small, phase, dtype)
    problem = build(case)
    monkeypatch.setattr(recommender, part, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, problem)


@DTYPES
@pytest.mark.usefixtures("hasty")
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, dtype: str) -> None:
    case = small("recommender", dtype)
    problem = build(case)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=lambda *a: 1.01 * problem.function(*a)))


@DTYPES
@pytest.mark.parametrize("factor", [0.0, 0.8, 1.25])
@pytest.mark.usefixtures("hasty")
def test_a_wrong_learning_rate_is_refused(small: Small, dtype: str, factor: float) -> None:
    case = in_phase(small, "train_step", dtype)
    wrong = partial(step, factor * RATE)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))


@pytest.mark.usefixtures("hasty")
def test_tables_that_are_not_trained_are_refused(small: Small) -> None:
    case = in_phase(small, "train_step", "f32")
    problem = build(case)

    def frozen(state: recommender.State, *samples: jax.Array) -> recommender.State:
        after: recommender.State = problem.function(state, *samples)
        return after._replace(weights=after.weights._replace(tables=state.weights.tables))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=frozen))


# The reference, and gradients


def test_looked_up_rows_are_those_of_the_table() -> None:
    table = jnp.arange(12.0).reshape(4, 3)
    found = looked_up(table, np.array([2, 0, 2], dtype=np.int32))
    assert found.rows.tolist() == [[0, 1, 2], [6, 7, 8]]
    assert found.rows[found.places].tolist() == [[6, 7, 8], [0, 1, 2], [6, 7, 8]]


def test_a_row_looked_up_twice_gets_both_gradients() -> None:
    """All of a batch takes the same row, so that its step is the sum of theirs."""
    size = replace(TINY, rows=1)
    weights, dense, _, labels = in_float64(size)
    indices = np.zeros((len(dense), size.tables), dtype=np.int32)
    gradient = jax.jit(jax.grad(recommender.loss))
    with jax.enable_x64(True):
        slopes = gradient(weights, dense, indices, labels)
        each = [
            gradient(weights, dense[i : i + 1], indices[:1], labels[i : i + 1])
            for i in range(len(dense))
        ]
    total = sum(np.asarray(one.tables[0]) for one in each) / len(dense)
    np.testing.assert_allclose(slopes.tables[0], total, rtol=1e-9)


@pytest.mark.usefixtures("hasty")
def test_gradients_agree_with_finite_differences() -> None:
    """Along a random direction of every array of weights, in float64."""
    weights, dense, indices, labels = in_float64(TINY)
    source = np.random.default_rng(5)
    leaves, shape = jax.tree.flatten(weights)
    with jax.enable_x64(True):
        loss = jax.jit(
            lambda leaves: recommender.loss(
                jax.tree.unflatten(shape, leaves), dense, indices, labels
            )
        )
        gradients = jax.jit(jax.grad(loss))(leaves)
        for place, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
            way = 1e-6 * source.standard_normal(leaf.shape)
            ahead, behind = (
                [*leaves[:place], leaf + sign * way, *leaves[place + 1 :]] for sign in (1, -1)
            )
            difference = float(loss(ahead) - loss(behind)) / 2
            expected = float((gradient * way).sum())
            assert difference == pytest.approx(expected, rel=1e-4, abs=1e-13), place


def in_float64(size: DlrmSize) -> tuple[Weights, Any, Any, Any]:
    """(weights, dense features, indices, labels) of six samples."""
    source = np.random.default_rng(3)
    indices = source.integers(size.rows, size=(6, size.tables), dtype=np.int32)
    weights, _ = recommender.draw(size, "f32", source, indices)
    dense = source.standard_normal((6, size.dense))
    return jax.tree.map(exact, weights), dense, indices, source.integers(2, size=6).astype(float)


# Costs


def test_the_cost_by_hand() -> None:
    """Two tables: three vectors of width 3, so three pairs; the top MLP sees 3 + 3 features."""
    products = 4 * 6 + 6 * 3 + 3 * 3 + (6 * 7 + 7 * 1)
    biases, relus = 6 + 3 + 7 + 1, 6 + 3 + 7
    mlps = (4 * 6 + 6) + (6 * 3 + 3) + (6 * 7 + 7) + (7 + 1)
    forward = catalog.forward_cost(TINY, batch=2, itemsize=2)
    assert forward.flops == 2 * (2 * products + biases + relus)
    rows = 2 * 2 * 3
    assert forward.bytes == 2 * (rows + mlps + 2 * 4) + 4 * 2 * 2 + 4 * 2
    train = catalog.train_step_cost(TINY, batch=2, itemsize=2)
    sample = 3 * (2 * products + biases + relus + 7) - 2 * 4 * 6 + 2 * 3
    assert train.flops == 2 * sample + 2 * (mlps + rows)
    assert train.bytes == 2 * 4 * (mlps + rows) + 2 * (2 * 4 + 4 * 2 + 4)


def test_a_large_batch_reads_no_more_than_the_tables() -> None:
    few, many = (catalog.forward_cost(TINY, batch=batch, itemsize=4) for batch in (5, 10))
    assert many.bytes - few.bytes == 5 * (4 * 4 + 4 * 2 + 4)


@PHASES
def test_xla_counts_about_the_same_operations(small: Small, phase: str) -> None:
    """All N^2 products of vectors where the pairs are half of them; masks and index arithmetic."""
    case = in_phase(small, phase, "f32")
    cost = {"forward": catalog.forward_cost, "train_step": catalog.train_step_cost}[phase]
    size, batch = SIZES["small"], case.integer("batch")
    counted = cost(size, batch=batch, itemsize=4).flops
    passes = 3 if phase == "train_step" else 1
    twice = passes * 2 * batch * size.width * ((size.tables + 1) ** 2 - size.pairs)
    whole = 2 * size.table_values if phase == "train_step" else 0  # all rows are updated
    xla_flops = prepare(case, build(case)).program.xla_flops
    assert xla_flops == pytest.approx(counted + twice + whole, rel=0.1)


def test_the_tables_of_the_standard_suite_are_four_caches_of_32_mib() -> None:
    for dtype in ("f32", "bf16"):
        case = find(f"recommender/medium/forward/{dtype}")
        assert case.integer("tables_bytes") >= 4 * 32 * 2**20
    assert find("recommender/criteo/forward/f32").integer("tables_bytes") > 25e9
