"""The Transformer again, in float64 NumPy: one sequence and one head at a time.

Written from the papers' formulas, not from `workloads.transformer`: positions are turned as
complex numbers, the mask is a lower triangle, every head is a product of its own.
"""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from numpy.typing import NDArray

from workloads.problem import Float64Array, exact

if TYPE_CHECKING:
    from workloads.transformer import Layer, Weights

EPSILON = 1e-5
ROTARY_BASE = 10_000.0


def reference(weights: "Weights", tokens: jax.Array) -> Float64Array:
    """Logits (batch, context, vocab) of int32 tokens (batch, context)."""
    wide = jax.tree.map(exact, weights)
    return np.stack([_sequence(wide, sequence) for sequence in np.asarray(tokens)])


def _sequence(weights: "Weights", tokens: NDArray[np.int32]) -> Float64Array:
    """Logits (context, vocab) of one sequence of tokens (context,)."""
    x: Float64Array = np.asarray(weights.embedding)[tokens]
    for layer in weights.layers:
        x = x + _attention(layer, _normalised(x, layer.attention_norm))
        x = x + _swiglu(layer, _normalised(x, layer.ffn_norm))
    logits: Float64Array = _normalised(x, weights.final_norm) @ weights.unembedding
    return logits


def _normalised(x: Float64Array, scale: Any) -> Float64Array:
    normed: Float64Array = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPSILON) * scale
    return normed


def _attention(layer: "Layer", x: Float64Array) -> Float64Array:
    """Sum over heads of softmax(Q K^T / sqrt(K)) V W_O, each row over its past only."""
    heads, kv_heads = layer.query.shape[1], layer.key.shape[1]
    out = np.zeros_like(x)
    for head in range(heads):
        shared = head * kv_heads // heads
        q = _turned(x @ layer.query[:, head])
        k = _turned(x @ layer.key[:, shared])
        v = x @ layer.value[:, shared]
        out += _mixed(q, k, v) @ layer.output[head]
    return out


def _mixed(q: Float64Array, k: Float64Array, v: Float64Array) -> Float64Array:
    """(context, head_dim): position t mixes the values of positions 0 to t."""
    powers = np.tril(np.exp(q @ k.T / np.sqrt(q.shape[1])))
    mixed: Float64Array = powers @ v / powers.sum(axis=1, keepdims=True)
    return mixed


def _turned(x: Float64Array) -> Float64Array:
    """Elements i and i + half are one complex number, turned by t / base^(i/half) radians."""
    context, width = x.shape
    half = width // 2
    speeds = ROTARY_BASE ** -(np.arange(half) / half)
    turned = (x[:, :half] + 1j * x[:, half:]) * np.exp(1j * np.outer(np.arange(context), speeds))
    return np.concatenate([turned.real, turned.imag], axis=1)


def _swiglu(layer: "Layer", x: Float64Array) -> Float64Array:
    gate = x @ layer.gate
    out: Float64Array = (gate / (1.0 + np.exp(-gate)) * (x @ layer.up)) @ layer.down
    return out
