"""The Transformer of `workloads.transformer` as anybody would write it with Flax's own modules.

Weights are taken from ours, so that both compute the same numbers; letters as there.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from workloads.catalog.transformer_sizes import TransformerSize
from workloads.transformer.model import EPSILON, ROTARY_BASE, Weights


class Block(nn.Module):
    """One layer. With `cache`, x is one token at `position` and older keys lie in the cache."""

    size: TransformerSize
    capacity: int | None = None

    @nn.compact
    def __call__(self, x: jax.Array, positions: jax.Array) -> jax.Array:
        size = self.size
        y = nn.RMSNorm(epsilon=EPSILON, name="attention_norm")(x)
        q = self._heads(size.heads, "query")(y)
        k = self._heads(size.kv_heads, "key")(y)
        v = self._heads(size.kv_heads, "value")(y)
        q, k = turned(q, positions), turned(k, positions)
        if self.capacity is None:
            mask = nn.make_causal_mask(jnp.ones(x.shape[:2]))
        else:
            k, v = self._cached("keys", k, positions[0]), self._cached("values", v, positions[0])
            mask = (jnp.arange(self.capacity) <= positions[0])[None, None, None]
        groups = size.heads // size.kv_heads
        k, v = jnp.repeat(k, groups, axis=2), jnp.repeat(v, groups, axis=2)
        mixed = nn.dot_product_attention(q, k, v, mask=mask)
        out = nn.DenseGeneral(size.d_model, axis=(-2, -1), use_bias=False, name="output")
        x = x + out(mixed)
        y = nn.RMSNorm(epsilon=EPSILON, name="ffn_norm")(x)
        gate = nn.silu(nn.Dense(size.ffn, use_bias=False, name="gate")(y))
        up = nn.Dense(size.ffn, use_bias=False, name="up")(y)
        return x + nn.Dense(size.d_model, use_bias=False, name="down")(gate * up)

    def _heads(self, heads: int, name: str) -> nn.DenseGeneral:
        return nn.DenseGeneral((heads, self.size.head_dim), use_bias=False, name=name)

    def _cached(self, name: str, new: jax.Array, position: jax.Array) -> jax.Array:
        shape = (new.shape[0], self.capacity, *new.shape[2:])
        held = self.variable("cache", name, jnp.zeros, shape, new.dtype)
        held.value = jax.lax.dynamic_update_slice_in_dim(held.value, new, position, axis=1)
        return held.value


class Transformer(nn.Module):
    """Logits (B, T, V) of tokens (B, T)."""

    size: TransformerSize
    capacity: int | None = None

    @nn.compact
    def __call__(self, tokens: jax.Array, positions: jax.Array) -> jax.Array:
        x = nn.Embed(self.size.vocab, self.size.d_model, name="embedding")(tokens)
        for index in range(self.size.layers):
            x = Block(self.size, self.capacity, name=f"layer_{index}")(x, positions)
        x = nn.RMSNorm(epsilon=EPSILON, name="final_norm")(x)
        return nn.Dense(self.size.vocab, use_bias=False, name="unembedding")(x)


def turned(x: jax.Array, positions: jax.Array) -> jax.Array:
    """Rotary embedding (Su et al. 2021), which Flax has no module for."""
    half = x.shape[-1] // 2
    angles = positions[:, None, None] / ROTARY_BASE ** (jnp.arange(half) / half)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    first, second = x[..., :half], x[..., half:]
    return jnp.concatenate((first * cos - second * sin, second * cos + first * sin), axis=-1)


def parameters(weights: Weights) -> dict[str, Any]:
    """Our weights under Flax's names."""
    tree: dict[str, Any] = {
        "embedding": {"embedding": weights.embedding},
        "final_norm": {"scale": weights.final_norm},
        "unembedding": {"kernel": weights.unembedding},
    }
    for index, layer in enumerate(weights.layers):
        tree[f"layer_{index}"] = {
            name: {"scale" if name.endswith("norm") else "kernel": array}
            for name, array in layer._asdict().items()
        }
    return {"params": tree}
