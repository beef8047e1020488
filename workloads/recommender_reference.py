"""DLRM again, in float64 NumPy: forward pair by pair, and training with gradients by hand.

Written from the paper's formulas, not from `workloads.recommender`. Only the rows that are looked
up are held: no other row changes what comes out, and SGD changes no other row.
"""

from dataclasses import dataclass
from itertools import combinations

import jax
import numpy as np
from numpy.typing import NDArray

from workloads.problem import Float64Array

Layers = list[tuple[Float64Array, Float64Array]]
"""(matrix (inputs, outputs), bias (outputs,)) of each layer of an MLP."""


@dataclass(kw_only=True)
class Table:
    """The rows (U, W) of one table that are looked up, and which of them each sample (B,) takes."""

    rows: Float64Array
    places: NDArray[np.intp]


@dataclass(kw_only=True)
class Model:
    """Everything that the logits of one batch come from, as float64; training changes it."""

    tables: list[Table]
    bottom: Layers
    top: Layers
    dense: Float64Array  # (B, features)


def looked_up(table: jax.Array, numbers: NDArray[np.int32]) -> Table:
    """Of `table` (R, W), the rows `numbers` (B,).

    Reads through `addressable_data`, as a JAX array keeps the host's copy of itself for ever.
    """
    on_host = np.asarray(table.addressable_data(0))
    unique, places = np.unique(numbers, return_inverse=True)
    return Table(rows=on_host[unique].astype(np.float64), places=places)


def logits(model: Model) -> Float64Array:
    """(B,)."""
    return _forward(model)[0]


def losses(model: Model, labels: NDArray[np.float32], rate: float, steps: int) -> Float64Array:
    """Mean binary cross entropy (steps,) before each step of SGD; labels (B,) are 0 or 1."""
    found = []
    for _ in range(steps):
        z, bottoms, vectors, tops = _forward(model)
        found.append((np.logaddexp(0, z) - labels * z).mean())
        slope = (1 / (1 + np.exp(-z)) - labels) / len(z)
        _descend(model, slope[:, None], bottoms, vectors, tops, rate)
    return np.array(found)


def _forward(
    model: Model,
) -> tuple[Float64Array, list[Float64Array], list[Float64Array], list[Float64Array]]:
    """Logits; the inputs of each bottom layer, and its output; the vectors; those of the top."""
    bottoms = _through(model.bottom, model.dense)
    bottoms[-1] = np.maximum(bottoms[-1], 0)
    vectors = [bottoms[-1], *(table.rows[table.places] for table in model.tables)]
    products = [(vectors[i] * vectors[j]).sum(axis=1) for i, j in _pairs(len(vectors))]
    tops = _through(model.top, np.column_stack([bottoms[-1], *products]))
    return tops[-1][:, 0], bottoms, vectors, tops


def _pairs(vectors: int) -> list[tuple[int, int]]:
    """(1, 0), (2, 0), (2, 1), (3, 0), ...: the lower triangle, row by row."""
    return sorted((later, earlier) for earlier, later in combinations(range(vectors), 2))


def _through(layers: Layers, x: Float64Array) -> list[Float64Array]:
    """x, then the output of each layer; all but the last are rectified."""
    found = [x]
    for place, (matrix, bias) in enumerate(layers):
        y = found[-1] @ matrix + bias
        found.append(np.maximum(y, 0) if place < len(layers) - 1 else y)
    return found


def _descend(
    model: Model,
    slope: Float64Array,
    bottoms: list[Float64Array],
    vectors: list[Float64Array],
    tops: list[Float64Array],
    rate: float,
) -> None:
    """Moves every weight by -rate times its gradient; `slope` is the loss's by the logits."""
    slope = _back(model.top, tops, slope, rate)
    width = vectors[0].shape[1]
    slopes = [slope[:, :width].copy(), *(np.zeros_like(vector) for vector in vectors[1:])]
    for place, (i, j) in enumerate(_pairs(len(vectors))):
        by_product = slope[:, width + place, None]
        slopes[i] += by_product * vectors[j]
        slopes[j] += by_product * vectors[i]
    _back(model.bottom, bottoms, slopes[0] * (bottoms[-1] > 0), rate)
    for table, change in zip(model.tables, slopes[1:], strict=True):
        np.subtract.at(table.rows, table.places, rate * change)


def _back(
    layers: Layers, values: list[Float64Array], slope: Float64Array, rate: float
) -> Float64Array:
    """The loss's slope by an MLP's input, from that by its output; its weights move meanwhile."""
    for place in reversed(range(len(layers))):
        matrix, bias = layers[place]
        before = slope @ matrix.T
        if place > 0:
            before = before * (values[place] > 0)
        layers[place] = (matrix - rate * values[place].T @ slope, bias - rate * slope.sum(axis=0))
        slope = before
    return slope
