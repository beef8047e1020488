"""A decoder-only Transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Shapes: B batch, T context, D d_model, H heads, N kv_heads, K head_dim, F ffn, V vocab. Products
run in the weights' dtype; norms, rotary angles and softmax in f32; the logits are f32.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

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


class Rotation(NamedTuple):
    """Cosines and sines of the angles by which heads are turned at some positions."""

    cos: jax.Array | NDArray[np.float32]  # (T, 1, K / 2)
    sin: jax.Array | NDArray[np.float32]  # (T, 1, K / 2)


def forward(weights: Weights, tokens: jax.Array) -> jax.Array:
    """Logits (B, T, V), f32, of int32 tokens (B, T)."""
    x = weights.embedding[tokens]
    turn = rotation(weights, np.arange(tokens.shape[1]))
    for layer in weights.layers:
        q, k, v = heads(layer, rmsnorm(x, layer.attention_norm), turn)
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


def heads(layer: Layer, x: jax.Array, turn: Rotation) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Queries (B, T, H, K), keys and values (B, T, N, K) of x (B, T, D), the first two turned."""
    q = rotary(jnp.einsum("btd,dhk->bthk", x, layer.query), turn)
    k = rotary(jnp.einsum("btd,dnk->btnk", x, layer.key), turn)
    return q, k, jnp.einsum("btd,dnk->btnk", x, layer.value)


def rotation(weights: Weights, positions: NDArray[Any] | jax.Array) -> Rotation:
    """The angles for `positions` (T,), the same in all layers (Su et al. 2021).

    Positions that are known beforehand, in NumPy, become a table in the program. XLA's CPU
    backend else takes the cosines anew for every head of every sequence, however often they are
    written down: 8 % of a forward pass of `nano`.
    """
    half = weights.layers[0].query.shape[-1] // 2
    angles = positions[:, None, None] * ROTARY_BASE ** (-np.arange(half) / half)
    if isinstance(angles, np.ndarray):
        return Rotation(
            cos=np.cos(angles).astype(np.float32), sin=np.sin(angles).astype(np.float32)
        )
    return Rotation(cos=jnp.cos(angles), sin=jnp.sin(angles))


def rotary(x: jax.Array, turn: Rotation) -> jax.Array:
    """Turns each head of x (B, T, heads, K): element i pairs with i + K/2, as in GPT-NeoX."""
    half = x.shape[-1] // 2
    first, second = x[..., :half].astype(jnp.float32), x[..., half:].astype(jnp.float32)
    turned = (first * turn.cos - second * turn.sin, second * turn.cos + first * turn.sin)
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
