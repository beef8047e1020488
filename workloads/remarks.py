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

QUEUE_FACTOR = 2.0
"""The same where calls queue: what enqueues the next one works while this one is computed."""

DISPATCH_TRIES = 200
DISPATCH_QUEUE = 100


def faults(case: Case, minor_faults: int, calls: int) -> list[str]:
    """Says where memory comes anew from the kernel in every call.

    Outputs are written in place, but temporaries on CPU are allocated in every call, by XLA or,
    beyond what it tells (bf16 products), by the libraries that it calls.
    """
    per_call = minor_faults * resource.getpagesize() / calls
    if per_call < FAULTS_SHARE * case.cost.bytes:
        return []
    return [f"every call faults in {per_call / 2**20:.1f} MiB anew: temporary memory"]


def near_dispatch(fastest_s: float, queued: bool) -> list[str]:
    """Says where a call is not much longer than one that computes nothing. `queued`: only the last
    of many is waited for, and so it is of those that compute nothing."""
    empty_s = dispatch_s(queued=queued)
    if fastest_s > (QUEUE_FACTOR if queued else DISPATCH_FACTOR) * empty_s:
        return []
    return [f"near the cost of dispatch: an empty call takes {empty_s * 1e6:.0f} µs here"]


@lru_cache
def dispatch_s(*, queued: bool) -> float:
    """Seconds of a call that computes next to nothing: the least that any call takes.

    The median of many, each waited for, or of as many queues, a call's share of each; taken once
    a process.
    """
    one, calls = jnp.ones(()), DISPATCH_QUEUE if queued else 1
    empty = donating(lambda x: x).lower(jnp.zeros(()), one).compile()
    out = empty(jnp.zeros(()), one).block_until_ready()
    samples = []
    for _ in range(DISPATCH_TRIES):
        start = time.perf_counter()
        for _ in range(calls):
            out = empty(out, one)
        out.block_until_ready()
        samples.append((time.perf_counter() - start) / calls)
    return sorted(samples)[DISPATCH_TRIES // 2]
