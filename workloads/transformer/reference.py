"""The Transformer again, in float64 NumPy: one layer, one sequence and one head at a time.

Written from the papers' formulas, not from the JAX code: positions are turned as complex
numbers, the mask is a lower triangle, every head is a product of its own. A layer's weights are
widened when it is their turn: all at once, they would not fit beside a large model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from workloads.problem import Float64Array, exact
from workloads.transformer.model import Layer, Weights

EPSILON = 1e-5
ROTARY_BASE = 10_000.0

Tokens = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Course:
    """What one sequence (T tokens) went through.

    `inputs`: what each layer read, (T, D), and at the end what the last layer gave.
    `keys`, `values`: of each layer, (T, N, K), the keys rotated.
    """

    inputs: list[Float64Array]
    keys: list[Float64Array]
    values: list[Float64Array]


def forward(weights: Weights, tokens: Tokens) -> Float64Array:
    """Logits (batch, context, vocab) of int32 tokens (batch, context)."""
    return np.stack(list(each_logits(weights, courses(weights, tokens))))


def prefill(weights: Weights, tokens: Tokens) -> tuple[Float64Array, Float64Array, Float64Array]:
    """(keys, values, each (B, layers, T, N, K); logits (B, V) of the last position)."""
    found = courses(weights, tokens)
    keys = np.stack([course.keys for course in found])
    values = np.stack([course.values for course in found])
    last = np.stack([course.inputs[-1][-1] for course in found])
    return keys, values, unembedded(weights, last)


def each_logits(weights: Weights, found: Sequence[Course]) -> Iterator[Float64Array]:
    """Logits (context, vocab), sequence by sequence."""
    final_norm, unembedding = exact(weights.final_norm), exact(weights.unembedding)
    for course in found:
        yield normalised(course.inputs[-1], final_norm) @ unembedding


def unembedded(weights: Weights, x: Float64Array) -> Float64Array:
    """Logits (..., V) of the last layer's output (..., D)."""
    logits: Float64Array = normalised(x, exact(weights.final_norm)) @ exact(weights.unembedding)
    return logits


def courses(weights: Weights, tokens: Tokens) -> list[Course]:
    """Every sequence of tokens (batch, context) through all layers."""
    table = np.asarray(weights.embedding)
    found = [Course(inputs=[exact(table[row])], keys=[], values=[]) for row in tokens]
    for narrow in weights.layers:
        layer = widened(narrow)
        for course in found:
            x = course.inputs[-1]
            normed = normalised(x, layer.attention_norm)
            k, v = keys_and_values(layer, normed, 0)
            x = x + attention(layer, normed, k, v)
            x = x + swiglu(layer, normalised(x, layer.ffn_norm))
            course.inputs.append(x)
            course.keys.append(k)
            course.values.append(v)
    return found


def widened(layer: Layer) -> Any:
    """A layer in float64."""
    return jax.tree.map(exact, layer)


def normalised(x: Float64Array, scale: Any) -> Float64Array:
    """x / rms(x) * scale, row by row."""
    normed: Float64Array = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPSILON) * scale
    return normed


def keys_and_values(layer: Any, x: Float64Array, first: int) -> tuple[Float64Array, Float64Array]:
    """Keys, rotated, and values (T, N, K) of x (T, D), which is at position `first` and on."""
    each = range(layer.key.shape[1])
    k = np.stack([turned(x @ layer.key[:, head], first) for head in each], axis=1)
    v = np.stack([x @ layer.value[:, head] for head in each], axis=1)
    return k, v


def attention(layer: Any, x: Float64Array, k: Float64Array, v: Float64Array) -> Float64Array:
    """Sum over heads of softmax(Q K^T / sqrt(K)) V W_O, each row over its past only.

    x (T, D) are the last T of the positions that keys and values (S, N, K) are of.
    """
    heads, kv_heads = layer.query.shape[1], layer.key.shape[1]
    before = len(k) - len(x)
    out = np.zeros_like(x)
    for head in range(heads):
        shared = head * kv_heads // heads
        q = turned(x @ layer.query[:, head], before)
        powers = np.tril(np.exp(q @ k[:, shared].T / np.sqrt(q.shape[1])), before)
        mixed = powers @ v[:, shared] / powers.sum(axis=1, keepdims=True)
        out += mixed @ layer.output[head]
    return out


def turned(x: Float64Array, first: int, direction: int = 1) -> Float64Array:
    """Elements i and i + half are one complex number, turned by t / base^(i/half) radians.

    x (T, K), whose first row is at position `first`; `direction` -1 turns back.
    """
    context, width = x.shape
    half = width // 2
    speeds = ROTARY_BASE ** -(np.arange(half) / half)
    angles = np.outer(np.arange(first, first + context), speeds)
    numbers = (x[:, :half] + 1j * x[:, half:]) * np.exp(direction * 1j * angles)
    return np.concatenate([numbers.real, numbers.imag], axis=1)


def swiglu(layer: Any, x: Float64Array) -> Float64Array:
    """(silu(x W_gate) * (x W_up)) W_down of x (T, D)."""
    gate = x @ layer.gate
    out: Float64Array = (gate / (1.0 + np.exp(-gate)) * (x @ layer.up)) @ layer.down
    return out


def decode(
    weights: Weights, past: tuple[Any, Any], tokens: Tokens
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """One token (B,) for each sequence, after what is in `past`.

    `past`: keys and values, each (B, layers, P, N, K); the token is at position P. Returns the
    new keys and values, each (B, layers, N, K), and the logits (B, V).
    """
    x = exact(np.asarray(weights.embedding)[tokens])
    keys: list[list[Float64Array]] = [[] for _ in tokens]
    values: list[list[Float64Array]] = [[] for _ in tokens]
    for place, narrow in enumerate(weights.layers):
        layer = widened(narrow)
        for row in range(len(tokens)):
            before = [exact(entries[row, place]) for entries in past]
            x[row], k, v = _decoded(layer, x[row : row + 1], *before)
            keys[row].append(k[0])
            values[row].append(v[0])
    return np.stack(keys), np.stack(values), unembedded(weights, x)


def _decoded(
    layer: Any, x: Float64Array, keys: Float64Array, values: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """x (1, D) through one layer as (D,), and its own key and value (1, N, K)."""
    normed = normalised(x, layer.attention_norm)
    k, v = keys_and_values(layer, normed, len(keys))
    x = x + attention(layer, normed, np.concatenate([keys, k]), np.concatenate([values, v]))
    return (x + swiglu(layer, normalised(x, layer.ffn_norm)))[0], k, v
