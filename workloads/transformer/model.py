"""A decoder-only Transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Shapes: B batch, T context, D d_model, H heads, N kv_heads, K head_dim, F ffn, V vocab. Products
run in the weights' dtype; norms, rotary angles and softmax in f32; the logits are f32.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from workloads.environment import canonical_platform

EPSILON = 1e-5
ROTARY_BASE = 10_000.0

Implementation = Literal["xla", "cudnn"]


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
    """All weights; also their gradients, which have the same shapes."""

    embedding: jax.Array  # (V, D)
    layers: tuple[Layer, ...]
    final_norm: jax.Array  # (D,)
    unembedding: jax.Array  # (D, V)


def forward(weights: Weights, tokens: jax.Array) -> jax.Array:
    """Logits (B, T, V), f32, of int32 tokens (B, T)."""
    x = weights.embedding[tokens]
    positions = jnp.arange(tokens.shape[1])
    for layer in weights.layers:
        q, k, v = heads(layer, rmsnorm(x, layer.attention_norm), positions)
        x = x + merged(layer, attention(q, k, v))
        x = x + feed_forward(layer, rmsnorm(x, layer.ffn_norm))
    return unembedded(weights, x)


def unembedded(weights: Weights, x: jax.Array) -> jax.Array:
    """Logits (..., V), f32, of the last layer's output x (..., D)."""
    x = rmsnorm(x, weights.final_norm)
    return jnp.einsum("...d,dv->...v", x, weights.unembedding, preferred_element_type=jnp.float32)


def rmsnorm(x: jax.Array, scale: jax.Array) -> jax.Array:
    """x / rms(x) * scale over the last axis; statistics in f32 (Zhang and Sennrich 2019)."""
    wide = x.astype(jnp.float32)
    mean_square = jnp.square(wide).mean(axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(mean_square + EPSILON) * scale).astype(x.dtype)


def heads(
    layer: Layer, x: jax.Array, positions: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Queries (B, T, H, K), keys and values (B, T, N, K) of x (B, T, D) at `positions` (T,)."""
    q = rotary(jnp.einsum("btd,dhk->bthk", x, layer.query), positions)
    k = rotary(jnp.einsum("btd,dnk->btnk", x, layer.key), positions)
    return q, k, jnp.einsum("btd,dnk->btnk", x, layer.value)


def rotary(x: jax.Array, positions: jax.Array) -> jax.Array:
    """Rotates each head of x (B, T, heads, K) by its position (Su et al. 2021).

    Element i pairs with i + K/2, as in GPT-NeoX and Llama; angles in f32.
    """
    half = x.shape[-1] // 2
    frequencies = ROTARY_BASE ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angles = (positions.astype(jnp.float32)[:, None] * frequencies)[:, None, :]  # (T, 1, K/2)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    first, second = x[..., :half].astype(jnp.float32), x[..., half:].astype(jnp.float32)
    turned = (first * cos - second * sin, second * cos + first * sin)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)


def attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Causal attention (B, T, H, K); H / N query heads share a key head (Ainslie et al. 2023).

    JAX's own: on CPU it is as fast in f32 as the same in einsums at a context of 128 and up to
    twice as fast at 1024, because it masks with a large number and not with infinity.
    """
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=served_by(q))


def served_by(q: jax.Array) -> Implementation:
    """What computes attention here: cuDNN where it can (JAX does not choose it by itself).

    Its flash attention wants 16 bits, heads of at most 128 in eights, and Ampere or later:
    https://docs.nvidia.com/deeplearning/cudnn/frontend/latest/operations/Attention.html
    """
    device = jax.local_devices()[0]
    on_cuda = canonical_platform(device.platform, device.client.platform_version) == "cuda"
    narrow = q.dtype in (jnp.bfloat16, jnp.float16)
    if not on_cuda or not narrow or q.shape[-1] % 8 or q.shape[-1] > 128:
        return "xla"
    return "cudnn" if float(device.compute_capability) >= 8.0 else "xla"


def merged(layer: Layer, mixed: jax.Array) -> jax.Array:
    """What the heads (B, T, H, K) found, as one vector (B, T, D) a position."""
    return jnp.einsum("bthk,hkd->btd", mixed, layer.output)


def feed_forward(layer: Layer, x: jax.Array) -> jax.Array:
    """SwiGLU (Shazeer 2020): (silu(x gate) * (x up)) down."""
    return (jax.nn.silu(x @ layer.gate) * (x @ layer.up)) @ layer.down
