"""What a reader of a timing must know: warnings that travel with the measurement."""

import resource
import time
from functools import lru_cache

import jax.numpy as jnp

from workloads.case import Case
from workloads.prepare import donating

FAULTS_SHARE = 0.1
"""Memory faulted in by each call, as a share of the case's bytes, from which it is said."""

DISPATCH_FACTOR = 10.0
"""A call shorter than this many empty calls measures the way to the device as much."""

DISPATCH_TRIES = 200


def faults(case: Case, minor_faults: int, calls: int) -> list[str]:
    """Says where memory comes anew from the kernel in every call.

    Outputs are written in place, but temporaries on CPU are allocated in every call, by XLA or,
    beyond what it tells (bf16 products), by the libraries that it calls.
    """
    per_call = minor_faults * resource.getpagesize() / calls
    if per_call < FAULTS_SHARE * case.cost.bytes:
        return []
    return [f"every call faults in {per_call / 2**20:.1f} MiB anew: temporary memory"]


def near_dispatch(fastest_s: float) -> list[str]:
    """Says where a call is not much longer than one that computes nothing."""
    empty_s = dispatch_s()
    if fastest_s > DISPATCH_FACTOR * empty_s:
        return []
    return [f"near the cost of dispatch: an empty call takes {empty_s * 1e6:.0f} µs here"]


@lru_cache
def dispatch_s() -> float:
    """Seconds of a blocked call that computes next to nothing: the least that any call takes.

    The median of many, taken once a process.
    """
    one = jnp.ones(())
    empty = donating(lambda x: x).lower(jnp.zeros(()), one).compile()
    out = empty(jnp.zeros(()), one).block_until_ready()
    samples = []
    for _ in range(DISPATCH_TRIES):
        start = time.perf_counter()
        out = empty(out, one).block_until_ready()
        samples.append(time.perf_counter() - start)
    return sorted(samples)[DISPATCH_TRIES // 2]
