"""DLRM (Naumov et al. 2019): embedding gathers, pairwise dot products, a bottom and a top MLP.

Shapes: B batch, N tables, R rows, W width, P = (N + 1) N / 2 pairs. One row of each table a
sample. Products run in the dense features' dtype; the logits are f32.

In training the gradient of a table is what plain JAX makes of a gather: an array of the table's
size, zero but for the rows that were looked up, so that every step clears, reads and writes
whole tables. The declared cost counts only those rows: the distance to it is the price of that.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from workloads import recommender_reference as reference
from workloads.case import Case
from workloads.catalog.recommender import SIZES, DlrmSize
from workloads.problem import Problem, exact, generator, normal, on_device

STEPS = 4


class Dense(NamedTuple):
    """A fully connected layer."""

    matrix: jax.Array  # (inputs, outputs)
    bias: jax.Array  # (outputs,)


class Weights(NamedTuple):
    """All weights."""

    tables: tuple[jax.Array, ...]  # N of (R, W)
    bottom: tuple[Dense, ...]
    top: tuple[Dense, ...]


class State(NamedTuple):
    """What a training step hands to the next."""

    weights: Weights
    moments: optax.OptState
    loss: jax.Array  # () mean cross entropy before the last update


def forward(weights: Weights, dense: jax.Array, indices: jax.Array) -> jax.Array:
    """Logits (B,), f32, of dense features (B, features) and int32 row numbers (B, N)."""
    described = jax.nn.relu(mlp(weights.bottom, dense))
    vectors = jnp.stack([described, *rows(weights.tables, indices, dense.dtype)], axis=1)
    features = jnp.concatenate([described, interactions(vectors)], axis=1)
    return mlp(weights.top, features)[:, 0].astype(jnp.promote_types(dense.dtype, jnp.float32))


def rows(tables: tuple[jax.Array, ...], indices: jax.Array, dtype: jnp.dtype) -> list[jax.Array]:
    """What each sample looks up, (B, W) a table, rounded to `dtype`."""
    return [table[indices[:, place]].astype(dtype) for place, table in enumerate(tables)]


def interactions(vectors: jax.Array) -> jax.Array:
    """Dot products (B, P) of all pairs of different vectors (B, N + 1, W)."""
    products = jnp.einsum("biw,bjw->bij", vectors, vectors)
    first, second = np.tril_indices(vectors.shape[1], k=-1)
    return products[:, first, second]


def mlp(layers: tuple[Dense, ...], x: jax.Array) -> jax.Array:
    """x (B, inputs) through all layers, relu between them."""
    for place, layer in enumerate(layers):
        x = x @ layer.matrix.astype(x.dtype) + layer.bias.astype(x.dtype)
        if place < len(layers) - 1:
            x = jax.nn.relu(x)
    return x


def step(
    rate: float, state: State, dense: jax.Array, indices: jax.Array, labels: jax.Array
) -> State:
    """One step of SGD on f32 weights; labels (B,) are 0.0 or 1.0."""
    value, gradient = jax.value_and_grad(loss)(state.weights, dense, indices, labels)
    updates, moments = optimiser(rate).update(gradient, state.moments)
    return State(optax.apply_updates(state.weights, updates), moments, value)


def optimiser(rate: float) -> optax.GradientTransformation:
    """SGD, as the authors' code has it; it keeps nothing beside the tables."""
    return optax.sgd(rate)


def loss(weights: Weights, dense: jax.Array, indices: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean binary cross entropy, its products in the dense features' dtype."""
    logits = forward(weights, dense, indices)
    mean: jax.Array = optax.sigmoid_binary_cross_entropy(logits, labels).mean()
    return mean


def build(case: Case) -> Problem:
    """Parameters: size (a key of SIZES), batch."""
    size, source = SIZES[str(case.parameters["size"])], generator(case)
    batch, training = case.integer("batch"), case.phase == "train_step"
    dense = normal(source, (batch, size.dense), case.dtype)
    indices = source.integers(size.rows, size=(batch, size.tables), dtype=np.int32)
    weights, tables = draw(size, "f32" if training else case.dtype, source, indices)
    if training:
        labels = source.integers(2, size=batch).astype(np.float32)
        return _train_step(
            size.rate, weights, dense, indices, labels, _exactly(weights, tables, dense)
        )
    return Problem(
        function=forward,
        arguments=(weights, dense, on_device(indices)),
        reference=lambda: reference.logits(_exactly(weights, tables, dense)),
    )


def _train_step(
    rate: float,
    weights: Weights,
    dense: jax.Array,
    indices: NDArray[np.int32],
    labels: NDArray[np.float32],
    exactly: reference.Model,
) -> Problem:
    """`exactly`: the weights for the reference, as a step writes over `weights`."""
    return Problem(
        function=partial(step, rate),
        state=State(weights, optimiser(rate).init(weights), jnp.zeros(())),
        arguments=(dense, on_device(indices), on_device(labels)),
        reference=lambda: reference.losses(exactly, labels, rate, STEPS),
        checked=lambda state: state.loss,
        steps=STEPS,
        falls=True,
    )


def _exactly(weights: Weights, tables: list[reference.Table], dense: jax.Array) -> reference.Model:
    bottom, top = (
        [(exact(layer.matrix), exact(layer.bias)) for layer in layers]
        for layers in (weights.bottom, weights.top)
    )
    return reference.Model(tables=tables, bottom=bottom, top=top, dense=exact(dense))


def draw(
    size: DlrmSize, dtype: str, source: np.random.Generator, indices: NDArray[np.int32]
) -> tuple[Weights, list[reference.Table]]:
    """Random weights, and for the reference the rows `indices` (B, N) of each table.

    A pair of rows has a product of variance 1; matrices keep their inputs' size.
    """

    def layers(shapes: tuple[tuple[int, int], ...]) -> tuple[Dense, ...]:
        return tuple(
            Dense(
                matrix=normal(source, (inputs, outputs), dtype, scale=(2 / inputs) ** 0.5),
                bias=normal(source, (outputs,), dtype, scale=0.3),
            )
            for inputs, outputs in shapes
        )

    tables, known = [], []
    for numbers in indices.T:
        tables.append(normal(source, (size.rows, size.width), dtype, scale=size.width**-0.25))
        known.append(reference.looked_up(tables[-1], numbers))
    weights = Weights(tuple(tables), layers(size.bottom_shapes()), layers(size.top_shapes()))
    return weights, known
