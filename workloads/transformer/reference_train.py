"""Training again, in float64 NumPy: every derivative by hand, and AdamW from its paper.

The forward pass keeps what each layer read; a layer's inside is computed again when its
gradients are. For y = f(x), `dy` is the loss's derivative by y.
"""

from typing import Any

import jax
import numpy as np

from workloads.problem import Float64Array, exact
from workloads.transformer.model import Layer, Weights
from workloads.transformer.reference import (
    EPSILON,
    Course,
    Tokens,
    courses,
    each_logits,
    keys_and_values,
    normalised,
    turned,
    widened,
)

BETA_1, BETA_2, ADAM_EPSILON, WEIGHT_DECAY = 0.9, 0.95, 1e-8, 0.1


def losses(
    weights: Weights, sequences: Tokens, *, steps: int, learning_rate: float
) -> Float64Array:
    """(steps,): the loss before each update by the same sequences (B, T + 1), by AdamW.

    Weights are f32 and as good as the device's; everything after the first loss is float64.
    """
    if steps == 1:
        return np.array([loss(weights, sequences)])
    wide = jax.tree.map(exact, weights)
    flat, structure = jax.tree.flatten(wide)
    first, second = ([np.zeros_like(weight) for weight in flat] for _ in range(2))
    found = []
    for step in range(1, steps):
        now = jax.tree.unflatten(structure, flat)
        value, gradients = backward(now, sequences, top=len(weights.layers))
        found.append(float(value))
        for place, gradient in enumerate(jax.tree.leaves(gradients)):
            _adamw(flat[place], gradient, first[place], second[place], step, learning_rate)
    return np.array([*found, loss(jax.tree.unflatten(structure, flat), sequences)])


def _adamw(
    weight: Float64Array,
    gradient: Float64Array,
    first: Float64Array,
    second: Float64Array,
    step: int,
    learning_rate: float,
) -> None:
    """Updates in place. Algorithm 2 of Loshchilov and Hutter 2019; `step` counts from 1."""
    first += (1 - BETA_1) * (gradient - first)
    second += (1 - BETA_2) * (gradient**2 - second)
    deviation = np.sqrt(second / (1 - BETA_2**step)) + ADAM_EPSILON
    if weight.ndim > 1:
        weight *= 1 - learning_rate * WEIGHT_DECAY
    weight -= learning_rate / (1 - BETA_1**step) * first / deviation


def loss(weights: Weights, sequences: Tokens) -> float:
    """Mean of -log p(next token)."""
    found = courses(weights, sequences[:, :-1])
    logits = each_logits(weights, found)
    return float(
        np.mean([surprise(rows, row[1:]) for rows, row in zip(logits, sequences, strict=True)])
    )


def surprise(logits: Float64Array, targets: Tokens) -> float:
    """Mean of -log softmax(logits (T, V)) at targets (T,)."""
    highest = logits.max(axis=-1)
    total = np.log(np.exp(logits - highest[:, None]).sum(axis=-1)) + highest
    return float((total - logits[np.arange(len(targets)), targets]).mean())


def backward(weights: Weights, sequences: Tokens, *, top: int) -> tuple[Float64Array, Weights]:
    """The mean loss over sequences (B, T + 1), a scalar, and its gradients.

    `top`: only the last so many layers, and what comes after them. The embedding's gradient
    needs them all; else it is empty.
    """
    found = courses(weights, sequences[:, :-1])
    value, dxs, d_final_norm, d_unembedding = _d_head(weights, found, sequences[:, 1:])
    depth = len(weights.layers)
    first = max(depth - top, 0)
    layers: list[Layer] = []
    for place in reversed(range(first, depth)):
        layer = widened(weights.layers[place])
        d_layer = jax.tree.map(np.zeros_like, layer)
        for row, course in enumerate(found):
            dxs[row] = d_block(layer, course.inputs[place], dxs[row], d_layer)
        layers.insert(0, d_layer)
    d_embedding: Any = np.zeros(weights.embedding.shape if first == 0 else (0, 0))
    if first == 0:
        np.add.at(d_embedding, sequences[:, :-1], np.stack(dxs))
    gradients: Any = (d_embedding, tuple(layers), d_final_norm, d_unembedding)
    return value, Weights(*gradients)


def _d_head(
    weights: Weights, found: list[Course], targets: Tokens
) -> tuple[Float64Array, list[Float64Array], Float64Array, Float64Array]:
    """The loss; its derivatives by each last layer's output, final norm and unembedding."""
    final_norm, unembedding = exact(weights.final_norm), exact(weights.unembedding)
    d_final_norm, d_unembedding = np.zeros_like(final_norm), np.zeros_like(unembedding)
    surprises, dxs = [], []
    for course, row in zip(found, targets, strict=True):
        normed = normalised(course.inputs[-1], final_norm)
        logits = normed @ unembedding
        surprises.append(surprise(logits, row))
        dlogits = np.exp(logits - logits.max(axis=-1, keepdims=True))
        dlogits /= dlogits.sum(axis=-1, keepdims=True)
        dlogits[np.arange(len(row)), row] -= 1.0
        dlogits /= targets.size
        d_unembedding += normed.T @ dlogits
        dx, dscale = d_normalised(course.inputs[-1], final_norm, dlogits @ unembedding.T)
        d_final_norm += dscale
        dxs.append(dx)
    return np.array(np.mean(surprises)), dxs, d_final_norm, d_unembedding


def d_block(layer: Any, x: Float64Array, dy: Float64Array, gradients: Any) -> Float64Array:
    """dx of one layer that read x (T, D); adds to `gradients` of its weights."""
    normed = normalised(x, layer.attention_norm)
    k, v = keys_and_values(layer, normed, 0)
    between, d_inside = x.copy(), []
    for head in range(layer.query.shape[1]):
        mixed, back = _head(layer, head, normed, k, v)
        between += mixed @ layer.output[head]
        d_inside.append((mixed, back))
    dbetween = dy + _d_feed_forward(layer, between, dy, gradients)
    dnormed, dk, dv = np.zeros_like(x), np.zeros_like(k), np.zeros_like(v)
    for head, (mixed, back) in enumerate(d_inside):
        gradients.output[head] += mixed.T @ dbetween
        dq, shared, dk_head, dv_head = back(dbetween @ layer.output[head].T)
        gradients.query[:, head] += normed.T @ dq
        dnormed += dq @ layer.query[:, head].T
        dk[:, shared] += dk_head
        dv[:, shared] += dv_head
    for shared in range(layer.key.shape[1]):
        unturned = turned(dk[:, shared], 0, direction=-1)
        gradients.key[:, shared] += normed.T @ unturned
        gradients.value[:, shared] += normed.T @ dv[:, shared]
        dnormed += unturned @ layer.key[:, shared].T + dv[:, shared] @ layer.value[:, shared].T
    dx, dscale = d_normalised(x, layer.attention_norm, dnormed)
    gradients.attention_norm[...] += dscale
    return dbetween + dx


def _head(layer: Any, head: int, x: Float64Array, k: Float64Array, v: Float64Array) -> Any:
    """What one head mixes (T, K), and the way back: d(mixed) -> dq, its group, dk, dv."""
    shared = head * layer.key.shape[1] // layer.query.shape[1]
    q, keys, values = turned(x @ layer.query[:, head], 0), k[:, shared], v[:, shared]
    root = np.sqrt(q.shape[1])
    powers = np.tril(np.exp(q @ keys.T / root))
    shares = powers / powers.sum(axis=1, keepdims=True)

    def back(dmixed: Float64Array) -> tuple[Float64Array, int, Float64Array, Float64Array]:
        dshares = dmixed @ values.T
        dscores = shares * (dshares - (dshares * shares).sum(axis=1, keepdims=True)) / root
        dq = turned(dscores @ keys, 0, direction=-1)
        return dq, shared, dscores.T @ q, shares.T @ dmixed

    return shares @ values, back


def _d_feed_forward(layer: Any, x: Float64Array, dy: Float64Array, gradients: Any) -> Float64Array:
    """dx of swiglu(normalised(x)); x (T, D). Adds to `gradients`."""
    normed = normalised(x, layer.ffn_norm)
    gate, up = normed @ layer.gate, normed @ layer.up
    sigmoid = 1.0 / (1.0 + np.exp(-gate))
    gradients.down[...] += (gate * sigmoid * up).T @ dy
    dhidden = dy @ layer.down.T
    dgate = dhidden * up * sigmoid * (1.0 + gate * (1.0 - sigmoid))
    dup = dhidden * gate * sigmoid
    gradients.gate[...] += normed.T @ dgate
    gradients.up[...] += normed.T @ dup
    dx, dscale = d_normalised(x, layer.ffn_norm, dgate @ layer.gate.T + dup @ layer.up.T)
    gradients.ffn_norm[...] += dscale
    return dx


def d_normalised(
    x: Float64Array, scale: Float64Array, dy: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(dx, dscale) of normalised(x, scale) over the rows of x (T, D)."""
    inverse = 1.0 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPSILON)
    unit = x * inverse
    dunit = dy * scale
    dx = inverse * (dunit - unit * (dunit * unit).mean(axis=-1, keepdims=True))
    return dx, (dy * unit).sum(axis=0)
