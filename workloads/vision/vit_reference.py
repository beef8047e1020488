"""The Vision Transformer again, in float64 NumPy: one image, one patch and one head at a time.

Written from the paper's formulas, not from `workloads.vision.vit`.
"""

from typing import TYPE_CHECKING

import jax
import numpy as np

from workloads.catalog.vision_sizes import VitSize
from workloads.problem import Float64Array, exact

if TYPE_CHECKING:
    from workloads.vision.vit import Layer, Norm, Weights

EPSILON = 1e-6


def reference(size: VitSize, weights: "Weights", images: jax.Array) -> Float64Array:
    """Logits (batch, classes) of images (batch, rows, columns, 3)."""
    exactly = jax.tree.map(exact, weights)
    return np.stack([_image(size, exactly, image) for image in exact(images)])


def _image(size: VitSize, weights: "Weights", image: Float64Array) -> Float64Array:
    """Logits (classes,) of one image (rows, columns, 3)."""
    side = size.patch
    tokens = [np.asarray(weights.class_token)]
    for top in range(0, size.image, side):
        for left in range(0, size.image, side):
            values = image[top : top + side, left : left + side].ravel()
            tokens.append(values @ weights.embedding + weights.embedding_bias)
    x: Float64Array = np.array(tokens) + weights.positions
    for layer in weights.layers:
        x = x + _attention(layer, _normed(x, layer.attention_norm))
        inner = _gelu(_normed(x, layer.ffn_norm) @ layer.up + layer.up_bias)
        x = x + (inner @ layer.down + layer.down_bias)
    logits: Float64Array = (
        _normed(x, weights.final_norm)[0] @ weights.classifier + weights.classifier_bias
    )
    return logits


def _normed(x: Float64Array, norm: "Norm") -> Float64Array:
    normed: Float64Array = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(
        x.var(axis=1, keepdims=True) + EPSILON
    )
    return normed * norm.scale + norm.bias


def _attention(layer: "Layer", x: Float64Array) -> Float64Array:
    """Sum over heads of softmax(Q K^T / sqrt(head_dim)) V W_O, and the output's bias."""
    out = np.zeros_like(x) + layer.output_bias
    for head in range(layer.query.shape[1]):
        q = x @ layer.query[:, head] + layer.query_bias[head]
        k = x @ layer.key[:, head] + layer.key_bias[head]
        v = x @ layer.value[:, head] + layer.value_bias[head]
        powers = np.exp(q @ k.T / np.sqrt(q.shape[1]))
        out += powers / powers.sum(axis=1, keepdims=True) @ v @ layer.output[head]
    return out


def _gelu(x: Float64Array) -> Float64Array:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016)."""
    gelu: Float64Array = 0.5 * x * (1.0 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return gelu
