"""Inference with a KV cache: `prefill` reads the prompt, `decode` adds one token.

S capacity: positions that the cache has room for; other letters as in `model`. Both take the
state and return the next, whose cache is the same memory with new entries written into it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workloads.transformer.model import (
    Implementation,
    Weights,
    attention,
    feed_forward,
    heads,
    merged,
    rmsnorm,
    rotation,
    served_by,
    unembedded,
)


class LayerCache(NamedTuple):
    """Keys, rotated, and values of one layer; see `cache_shape`."""

    keys: jax.Array
    values: jax.Array


class State(NamedTuple):
    """What inference carries from call to call."""

    cache: tuple[LayerCache, ...]
    logits: jax.Array  # (B, V), f32: of the position after the last token


def cache_shape(
    implementation: Implementation, batch: int, capacity: int, kv_heads: int, head_dim: int
) -> tuple[int, ...]:
    """(B N, S, K) where XLA multiplies, (B, S, N, K) where cuDNN attends.

    Heads first, all keys of a head lie together: on CPU XLA otherwise transposes the whole cache
    in every call (1.5 to 3 times slower at S = 1024, with `dot_product_attention` as with einsum).
    Sequences and heads are one axis: a batch of one, as an axis of size 1, makes XLA 0.10 and 0.12
    copy every cache four times in every call (22 instead of 12 ms of `small`).
    """
    if implementation == "cudnn":
        return batch, capacity, kv_heads, head_dim
    return batch * kv_heads, capacity, head_dim


def prefill(state: State, weights: Weights, tokens: jax.Array) -> State:
    """Reads prompts, int32 (B, T) with T <= S, into the cache's first T positions."""
    x = weights.embedding[tokens]
    turn = rotation(weights, np.arange(tokens.shape[1]))
    cache = []
    for layer, old in zip(weights.layers, state.cache, strict=True):
        q, k, v = heads(layer, rmsnorm(x, layer.attention_norm), turn)
        cache.append(written(old, k, v, jnp.int32(0), served_by(q)))
        x = x + merged(layer, attention(q, k, v))
        x = x + feed_forward(layer, rmsnorm(x, layer.ffn_norm))
    return State(cache=tuple(cache), logits=unembedded(weights, x[:, -1]))


def decode(state: State, weights: Weights, tokens: jax.Array, position: jax.Array) -> State:
    """Adds int32 tokens (B,) at `position`, an int32 scalar < S; earlier ones are cached."""
    x = weights.embedding[tokens][:, None]
    turn = rotation(weights, position[None])
    cache = []
    for layer, old in zip(weights.layers, state.cache, strict=True):
        q, k, v = heads(layer, rmsnorm(x, layer.attention_norm), turn)
        cache.append(written(old, k, v, position, served_by(q)))
        x = x + merged(layer, lookup(q, cache[-1], position))
        x = x + feed_forward(layer, rmsnorm(x, layer.ffn_norm))
    return State(cache=tuple(cache), logits=unembedded(weights, x[:, 0]))


def written(
    cache: LayerCache, k: jax.Array, v: jax.Array, start: jax.Array, implementation: Implementation
) -> LayerCache:
    """`cache` with keys and values (B, T, N, K) from position `start` on."""

    def put(old: jax.Array, new: jax.Array) -> jax.Array:
        if implementation == "xla":
            new = jnp.swapaxes(new, 1, 2).reshape(-1, new.shape[1], new.shape[3])
        return jax.lax.dynamic_update_slice_in_dim(old, new, start, axis=1)

    return LayerCache(keys=put(cache.keys, k), values=put(cache.values, v))


def lookup(q: jax.Array, cache: LayerCache, position: jax.Array) -> jax.Array:
    """Attention (B, 1, H, K) of one query a head to the cache up to `position`."""
    look = cudnn_lookup if served_by(q) == "cudnn" else xla_lookup
    return look(q, cache, position)


def xla_lookup(q: jax.Array, cache: LayerCache, position: jax.Array) -> jax.Array:
    """Attention (B, 1, H, K) of one query a head to a cache (B N, S, K)."""
    all_heads, capacity, head_dim = cache.keys.shape
    grouped = q.reshape(all_heads, -1, head_dim)
    scores = jnp.einsum("ngk,nsk->ngs", grouped, cache.keys, preferred_element_type=jnp.float32)
    seen = jnp.arange(capacity) <= position
    shares = jax.nn.softmax(jnp.where(seen, scores * head_dim**-0.5, -jnp.inf), axis=-1)
    return jnp.einsum("ngs,nsk->ngk", shares.astype(q.dtype), cache.values).reshape(q.shape)


def cudnn_lookup(q: jax.Array, cache: LayerCache, position: jax.Array) -> jax.Array:
    """Attention (B, 1, H, K) of one query a head to a cache (B, S, N, K)."""
    lengths = jnp.full(q.shape[0], position + 1, dtype=jnp.int32)
    return jax.nn.dot_product_attention(
        q, cache.keys, cache.values, key_value_seq_lengths=lengths, implementation="cudnn"
    )
