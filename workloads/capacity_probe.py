"""A process that fills a KV cache of some batch, decodes, and says how long it took.

`python -m workloads.capacity_probe JSON`: the keys are TransformerSize's, `batch`, `context` and
`limit_bytes`. It prints the seconds of a few calls as a JSON list, then for every line on stdin
decodes once and prints a line. Exit status DOES_NOT_FIT where an allocation is refused.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

DOES_NOT_FIT = 3
CALLS = 3

_SCORE = Path("/proc/self/oom_score_adj")


def main(words: dict[str, Any]) -> int:
    """Holds the cache until stdin ends."""
    _SCORE.write_text("1000")  # the kernel is to take this process, and not the one that asks
    resource.setrlimit(resource.RLIMIT_DATA, (words["limit_bytes"],) * 2)
    try:
        _hold(words)
    except MemoryError:
        return DOES_NOT_FIT
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error):
            return DOES_NOT_FIT
        raise
    return 0


def _hold(words: dict[str, Any]) -> None:
    import jax
    import jax.numpy as jnp
    import numpy as np

    from workloads.catalog.transformer_sizes import TransformerSize
    from workloads.transformer.decode import SEQUENCE_AXIS, LayerCache, State, decode
    from workloads.transformer.inputs import draw
    from workloads.transformer.model import served_by

    names = TransformerSize.__dataclass_fields__
    size = TransformerSize(**{name: words[name] for name in names})
    batch, context = words["batch"], words["context"]
    weights = draw(size, "f32", np.random.default_rng(1))
    axis = SEQUENCE_AXIS[served_by(weights.layers[0].key)]
    shape = [batch, size.kv_heads, size.head_dim]
    shape.insert(axis, context)
    keys = iter(jax.random.split(jax.random.key(0), 2 * size.layers))
    filled = jax.jit(lambda key: jax.random.normal(key, shape))
    state = State(
        cache=tuple(
            LayerCache(keys=filled(next(keys)), values=filled(next(keys)))
            for _ in range(size.layers)
        ),
        logits=jnp.zeros((batch, size.vocab)),
    )
    tokens, last = jnp.arange(batch, dtype=jnp.int32) % size.vocab, jnp.int32(context - 1)
    step = jax.jit(decode, donate_argnums=(0,)).lower(state, weights, tokens, last).compile()
    seconds = []
    for _ in range(CALLS + 1):
        start = time.perf_counter()
        state = jax.block_until_ready(step(state, weights, tokens, last))  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - start)
    _say(seconds[1:])
    for _ in sys.stdin:
        state = jax.block_until_ready(step(state, weights, tokens, last))  # type: ignore[no-untyped-call]
        _say(None)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
