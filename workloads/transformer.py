"""A decoder-only Transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Shapes: B batch, T context, D d_model, H heads, N kv_heads, G = H / N query heads a group,
K head_dim, F ffn, V vocab. Products run in the weights' dtype; norms, rotary angles and
softmax in f32; the logits are f32.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workloads.case import Case
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.problem import Problem, generator, normal, on_device
from workloads.transformer_reference import reference

EPSILON = 1e-5
ROTARY_BASE = 10_000.0


class Layer(NamedTuple):
    """Weights of one layer."""

    attention_norm: jax.Array  # (D,)
    query: jax.Array  # (D, H, K)
    key: jax.Array  # (D, N, K)
    value: jax.Array  # (D, N, K)
    output: jax.Array  # (H, K, D)
    ffn_norm: jax.Array  # (D,)
    gate: jax.Array  # (D, F)
    up: jax.Array  # (D, F)
    down: jax.Array  # (F, D)


class Weights(NamedTuple):
    """All weights."""

    embedding: jax.Array  # (V, D)
    layers: tuple[Layer, ...]
    final_norm: jax.Array  # (D,)
    unembedding: jax.Array  # (D, V)


def forward(weights: Weights, tokens: jax.Array) -> jax.Array:
    """Logits (B, T, V), f32, of int32 tokens (B, T)."""
    x = weights.embedding[tokens]
    for layer in weights.layers:
        x = x + attention(layer, rmsnorm(x, layer.attention_norm))
        x = x + feed_forward(layer, rmsnorm(x, layer.ffn_norm))
    x = rmsnorm(x, weights.final_norm)
    return jnp.einsum("btd,dv->btv", x, weights.unembedding, preferred_element_type=jnp.float32)


def rmsnorm(x: jax.Array, scale: jax.Array) -> jax.Array:
    """x / rms(x) * scale over the last axis; statistics in f32 (Zhang and Sennrich 2019)."""
    wide = x.astype(jnp.float32)
    mean_square = jnp.square(wide).mean(axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(mean_square + EPSILON) * scale).astype(x.dtype)


def attention(layer: Layer, x: jax.Array) -> jax.Array:
    """Causal self-attention of x (B, T, D); G query heads share a key head (Ainslie 2023)."""
    batch, context, _ = x.shape
    kv_heads, head_dim = layer.key.shape[1:]
    q = rotary(jnp.einsum("btd,dhk->bthk", x, layer.query))
    k = rotary(jnp.einsum("btd,dnk->btnk", x, layer.key))
    v = jnp.einsum("btd,dnk->btnk", x, layer.value)
    q = q.reshape(batch, context, kv_heads, -1, head_dim)
    scores = jnp.einsum("btngk,bsnk->bngts", q, k, preferred_element_type=jnp.float32)
    scores = jnp.where(causal_mask(context), scores * head_dim**-0.5, -jnp.inf)
    shares = jax.nn.softmax(scores, axis=-1).astype(x.dtype)
    mixed = jnp.einsum("bngts,bsnk->btngk", shares, v).reshape(batch, context, -1, head_dim)
    return jnp.einsum("bthk,hkd->btd", mixed, layer.output)


def causal_mask(context: int) -> jax.Array:
    """(T, T): True where a query (row) may see a key (column)."""
    return jnp.tri(context, dtype=bool)


def rotary(x: jax.Array) -> jax.Array:
    """Rotates each head (B, T, heads, K) by its position (Su et al. 2021).

    Element i pairs with i + K/2, as in GPT-NeoX and Llama; angles in f32.
    """
    half = x.shape[-1] // 2
    positions = jnp.arange(x.shape[1], dtype=jnp.float32)
    frequencies = ROTARY_BASE ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angles = (positions[:, None] * frequencies)[:, None, :]  # (T, 1, K/2)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    first, second = x[..., :half].astype(jnp.float32), x[..., half:].astype(jnp.float32)
    turned = (first * cos - second * sin, second * cos + first * sin)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)


def feed_forward(layer: Layer, x: jax.Array) -> jax.Array:
    """SwiGLU (Shazeer 2020): (silu(x gate) * (x up)) down."""
    return (jax.nn.silu(x @ layer.gate) * (x @ layer.up)) @ layer.down


def build(case: Case) -> Problem:
    """Parameters: those of TransformerSize, batch, context."""
    size = TransformerSize.of(case)
    source = generator(case)
    weights = draw(size, case.dtype, source)
    shape = case.integer("batch"), case.integer("context")
    tokens = on_device(source.integers(size.vocab, size=shape, dtype=np.int32))
    return Problem(
        function=forward,
        arguments=(weights, tokens),
        reference=lambda: reference(weights, tokens),
    )


def draw(size: TransformerSize, dtype: str, source: np.random.Generator) -> Weights:
    """Random weights that keep every activation near unit size: N(0, 1 / inputs)."""
    d, k = size.d_model, size.head_dim

    def matrix(inputs: int, *shape: int) -> jax.Array:
        return normal(source, shape, dtype, scale=inputs**-0.5)

    layers = tuple(
        Layer(
            attention_norm=normal(source, (d,), dtype),
            query=matrix(d, d, size.heads, k),
            key=matrix(d, d, size.kv_heads, k),
            value=matrix(d, d, size.kv_heads, k),
            output=matrix(d, size.heads, k, d),
            ffn_norm=normal(source, (d,), dtype),
            gate=matrix(d, d, size.ffn),
            up=matrix(d, d, size.ffn),
            down=matrix(size.ffn, size.ffn, d),
        )
        for _ in range(size.layers)
    )
    return Weights(
        embedding=normal(source, (size.vocab, d), dtype),
        layers=layers,
        final_norm=normal(source, (d,), dtype),
        unembedding=matrix(d, d, size.vocab),
    )
