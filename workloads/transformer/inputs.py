"""What the phases are given: random weights, tokens, sequences, a filled cache."""

import jax
import numpy as np

from workloads.case import Case
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.problem import normal, on_device
from workloads.transformer.decode import LayerCache, cache_shape
from workloads.transformer.model import Implementation, Layer, Weights


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


def integers(source: np.random.Generator, size: TransformerSize, *shape: int) -> jax.Array:
    """Random int32 tokens of that shape."""
    return on_device(source.integers(size.vocab, size=shape, dtype=np.int32))


def cache_of_normals(
    case: Case, implementation: Implementation, source: np.random.Generator
) -> tuple[LayerCache, ...]:
    """A cache of `context` positions, all of them filled: stale ones must be seen to be stale."""
    size = TransformerSize.of(case)
    batch, context = case.integer("batch"), case.integer("context")
    shape = cache_shape(implementation, batch, context, size.kv_heads, size.head_dim)
    return tuple(
        LayerCache(keys=normal(source, shape, case.dtype), values=normal(source, shape, case.dtype))
        for _ in range(size.layers)
    )
