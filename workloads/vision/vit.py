"""A Vision Transformer (Dosovitskiy et al. 2021): patches, a class token, pre-norm encoder layers.

Shapes: B batch, P patches, T = P + 1 tokens, D d_model, H heads, K head_dim, F ffn. Products run
in the images' dtype; norms and softmax in f32 or wider; the logits are at least f32. The GELU
is the tanh form, as in the authors' JAX code.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workloads.catalog.vision_sizes import VitSize
from workloads.problem import normal
from workloads.vision.scales import about_one
from workloads.vision.wide import wide

EPSILON = 1e-6


class Norm(NamedTuple):
    """Of a layernorm."""

    scale: jax.Array  # (D,)
    bias: jax.Array  # (D,)


class Layer(NamedTuple):
    """Weights of one encoder layer; every matrix is followed by its bias."""

    attention_norm: Norm
    query: jax.Array  # (D, H, K)
    query_bias: jax.Array  # (H, K)
    key: jax.Array
    key_bias: jax.Array
    value: jax.Array
    value_bias: jax.Array
    output: jax.Array  # (H, K, D)
    output_bias: jax.Array  # (D,)
    ffn_norm: Norm
    up: jax.Array  # (D, F)
    up_bias: jax.Array  # (F,)
    down: jax.Array  # (F, D)
    down_bias: jax.Array  # (D,)


class Weights(NamedTuple):
    """All weights."""

    embedding: jax.Array  # (patch values, D)
    embedding_bias: jax.Array  # (D,)
    class_token: jax.Array  # (D,)
    positions: jax.Array  # (T, D)
    layers: tuple[Layer, ...]
    final_norm: Norm
    classifier: jax.Array  # (D, classes)
    classifier_bias: jax.Array  # (classes,)


def forward(size: VitSize, weights: Weights, images: jax.Array) -> jax.Array:
    """Logits (B, classes) of images (B, rows, columns, 3)."""
    x = embedded(weights, patches(images, size.patch))
    for layer in weights.layers:
        x = x + attention(layer, layernorm(x, layer.attention_norm))
        x = x + feed_forward(layer, layernorm(x, layer.ffn_norm))
    token = layernorm(x[:, 0], weights.final_norm)
    logits = jnp.matmul(token, weights.classifier, preferred_element_type=wide(token).dtype)
    return logits + weights.classifier_bias


def patches(images: jax.Array, side: int) -> jax.Array:
    """Images (B, R, R, 3) -> (B, P, 3 side^2): each patch row by row, as a line of values."""
    batch, rows, columns, colours = images.shape
    tiled = images.reshape(batch, rows // side, side, columns // side, side, colours)
    return tiled.transpose(0, 1, 3, 2, 4, 5).reshape(batch, -1, side * side * colours)


def embedded(weights: Weights, values: jax.Array) -> jax.Array:
    """Tokens (B, T, D): the class token, then the patches, all with their position added."""
    x = values @ weights.embedding + weights.embedding_bias
    first = jnp.broadcast_to(weights.class_token, (x.shape[0], 1, x.shape[2]))
    return jnp.concatenate([first, x], axis=1) + weights.positions


def layernorm(x: jax.Array, norm: Norm) -> jax.Array:
    """(x - mean) / std * scale + bias over the last axis."""
    centred = wide(x) - wide(x).mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    normed = centred * jax.lax.rsqrt(variance + EPSILON)
    return (normed * norm.scale + norm.bias).astype(x.dtype)


def attention(layer: Layer, x: jax.Array) -> jax.Array:
    """Self-attention of x (B, T, D), every token to every token."""
    q = jnp.einsum("btd,dhk->bthk", x, layer.query) + layer.query_bias
    k = jnp.einsum("btd,dhk->bthk", x, layer.key) + layer.key_bias
    v = jnp.einsum("btd,dhk->bthk", x, layer.value) + layer.value_bias
    return jnp.einsum("bthk,hkd->btd", mix(q, k, v), layer.output) + layer.output_bias


def mix(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """softmax(q k^T / sqrt(K)) v of each head; all are (B, T, H, K)."""
    accumulated = wide(q).dtype
    scores = jnp.einsum("bthk,bshk->bhts", q, k, preferred_element_type=accumulated)
    shares = jax.nn.softmax(scores * q.shape[-1] ** -0.5, axis=-1).astype(v.dtype)
    return jnp.einsum("bhts,bshk->bthk", shares, v)


def feed_forward(layer: Layer, x: jax.Array) -> jax.Array:
    """gelu(x up + bias) down + bias."""
    inner = jax.nn.gelu(x @ layer.up + layer.up_bias, approximate=True)
    return inner @ layer.down + layer.down_bias


def draw(size: VitSize, dtype: str, source: np.random.Generator) -> Weights:
    """Random matrices of variance 1 / inputs, positions as large as the patches, small biases."""
    d, heads, k, ffn = size.d_model, size.heads, size.head_dim, size.ffn

    def matrix(inputs: int, *shape: int) -> jax.Array:
        return normal(source, shape, dtype, scale=inputs**-0.5)

    def bias(*shape: int) -> jax.Array:
        return normal(source, shape, dtype, scale=0.3)

    def norm() -> Norm:
        return Norm(scale=about_one(source, d, dtype), bias=bias(d))

    layers = tuple(
        Layer(
            attention_norm=norm(),
            query=matrix(d, d, heads, k),
            query_bias=bias(heads, k),
            key=matrix(d, d, heads, k),
            key_bias=bias(heads, k),
            value=matrix(d, d, heads, k),
            value_bias=bias(heads, k),
            output=matrix(d, heads, k, d),
            output_bias=bias(d),
            ffn_norm=norm(),
            up=matrix(d, d, ffn),
            up_bias=bias(ffn),
            down=matrix(ffn, ffn, d),
            down_bias=bias(d),
        )
        for _ in range(size.layers)
    )
    return Weights(
        embedding=matrix(size.patch_values, size.patch_values, d),
        embedding_bias=bias(d),
        class_token=normal(source, (d,), dtype),
        positions=normal(source, (size.tokens, d), dtype),
        layers=layers,
        final_norm=norm(),
        classifier=matrix(d, d, size.classes),
        classifier_bias=bias(size.classes),
    )
