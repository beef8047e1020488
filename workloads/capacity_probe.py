"""A process that fills a KV cache of some size, decodes, and says how long it took.

`python -m workloads.capacity_probe JSON`: the keys are TransformerSize's, `batch`, `context` and
`dtype`. It prints `{"calls_s": [...], "peak_rss_bytes": n}`, or ends with DOES_NOT_FIT where an
allocation is refused.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from workloads import noise
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.failure import failure_kind
from workloads.problem import DTYPES
from workloads.transformer.decode import LayerCache, State, cache_shape, decode
from workloads.transformer.inputs import draw
from workloads.transformer.model import Implementation, served_by

DOES_NOT_FIT = 3
CALLS = 3

FILL_POSITIONS = 128
"""The cache repeats keys and values of so many positions: drawing all would take longest."""

_SCORE = Path("/proc/self/oom_score_adj")
_KILLED_FIRST = "1000"


def main(words: dict[str, Any]) -> int:
    """The exit status."""
    _SCORE.write_text(_KILLED_FIRST)  # this process, and not the one that asks
    try:
        calls_s = decode_calls_s(words)
    except (MemoryError, RuntimeError) as error:
        if failure_kind(error) != "out_of_memory":
            raise
        return DOES_NOT_FIT
    sys.stdout.write(json.dumps({"calls_s": calls_s, "peak_rss_bytes": noise.peak_rss_bytes()}))
    return 0


def decode_calls_s(words: dict[str, Any]) -> list[float]:
    """Seconds of each of CALLS calls of `decode`, after a first one."""
    size = TransformerSize(**{name: words[name] for name in TransformerSize.__dataclass_fields__})
    weights = draw(size, words["dtype"], np.random.default_rng(1))
    tokens = jnp.arange(words["batch"], dtype=jnp.int32) % size.vocab
    last = jnp.int32(words["context"] - 1)
    state = filled(size, served_by(weights.layers[0].key), words)
    step = jax.jit(decode, donate_argnums=(0,)).lower(state, weights, tokens, last).compile()
    calls_s = []
    for _ in range(1 + CALLS):
        start = time.perf_counter()
        state = jax.block_until_ready(step(state, weights, tokens, last))  # type: ignore[no-untyped-call]
        calls_s.append(time.perf_counter() - start)
    return calls_s[1:]


def filled(size: TransformerSize, implementation: Implementation, words: dict[str, Any]) -> State:
    """A cache of `batch` sequences of `context` positions, a multiple of FILL_POSITIONS."""
    batch, context, dtype = words["batch"], words["context"], DTYPES[words["dtype"]]
    shape = cache_shape(implementation, batch, context, size.kv_heads, size.head_dim)
    repeats = batch * context // FILL_POSITIONS

    @jax.jit
    def fill(key: jax.Array) -> jax.Array:
        drawn = jax.random.normal(key, (FILL_POSITIONS * size.kv_heads * size.head_dim,), dtype)
        return jnp.broadcast_to(drawn, (repeats, drawn.size)).reshape(shape)

    keys = jax.random.split(jax.random.key(0), (size.layers, 2))
    return State(
        cache=tuple(LayerCache(keys=fill(first), values=fill(second)) for first, second in keys),
        logits=jnp.zeros((batch, size.vocab), dtype=jnp.float32),
    )


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
