"""Runs in a process of its own: decode and train step, ours and Flax's, in turns.

A line `RESULT {...}` a phase: seconds of both, and their ratio.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.typing import NDArray

from tests.benchmarks.flax_model import Transformer, parameters
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.prepare import compile_
from workloads.transformer.phases import build

ROUNDS = 31
ROUND_S = 0.05

Step = Callable[[], Any]


def decode(case: Case) -> tuple[Step, Step]:
    """One token with a full cache; both caches are donated."""
    problem = build(case)
    weights, tokens, last = problem.arguments
    size, context = TransformerSize.of(case), case.integer("context")
    model, params = Transformer(size, capacity=context), parameters(weights)
    shape = (case.integer("batch"), context, size.kv_heads, size.head_dim)
    # Copies with positions before heads, as Flax lays a cache out.
    cache = {
        f"layer_{index}": {
            name: jnp.array(heads_last(np.array(getattr(layer, name)), shape))
            for name in ("keys", "values")
        }
        for index, layer in enumerate(problem.state.cache)
    }

    def step(cache: Any, params: Any, tokens: jax.Array, last: jax.Array) -> Any:
        logits, after = model.apply(
            {**params, "cache": cache}, tokens[:, None], last[None], mutable=["cache"]
        )
        return after["cache"], logits[:, 0]

    return _steps(case, problem, step, cache, (params, tokens, last), lambda state: state.logits)


def heads_last(cache: NDArray[Any], shape: tuple[int, int, int, int]) -> NDArray[Any]:
    """Of a cache (B N, S, K), as XLA is given it, one of the shape (B, S, N, K)."""
    batch, context, kv_heads, head_dim = shape
    return cache.reshape(batch, kv_heads, context, head_dim).swapaxes(1, 2)


def train_step(case: Case) -> tuple[Step, Step]:
    """One AdamW update; weights and moments are donated."""
    problem = build(case)
    (sequences,) = problem.arguments
    model = Transformer(TransformerSize.of(case))
    params = jax.tree.map(jnp.array, parameters(problem.state.weights))
    adamw = optax.adamw(
        float(case.parameters["learning_rate"]),
        b1=0.9,
        b2=0.95,
        weight_decay=0.1,
        mask=lambda tree: jax.tree.map(lambda leaf: leaf.ndim > 1, tree),
    )

    def loss(params: Any, sequences: jax.Array) -> jax.Array:
        tokens, targets = sequences[:, :-1], sequences[:, 1:]
        logits = model.apply(params, tokens, jnp.arange(tokens.shape[1]))
        mean: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()
        return mean

    def step(state: Any, sequences: jax.Array) -> Any:
        params, moments = state
        value, gradients = jax.value_and_grad(loss)(params, sequences)
        updates, moments = adamw.update(gradients, moments, params)
        return (optax.apply_updates(params, updates), moments), value

    return _steps(
        case, problem, step, (params, adamw.init(params)), (sequences,), lambda state: state.loss
    )


def _steps(
    case: Case,
    problem: Any,
    step: Callable[..., Any],
    state: Any,
    arguments: tuple[Any, ...],
    ours: Callable[[Any], Any],
) -> tuple[Step, Step]:
    """Both, compiled; they must have found the same after as many steps."""
    theirs = jax.jit(step, donate_argnums=(0,)).lower(state, *arguments).compile()
    held = {"state": state, "out": None}

    def call() -> Any:
        held["state"], held["out"] = theirs(held["state"], *arguments)
        return jax.block_until_ready((held["state"], held["out"]))  # type: ignore[no-untyped-call]

    prepared = compile_(case, problem)
    for _ in range(problem.steps):
        call()
    np.testing.assert_allclose(ours(prepared.carry), held["out"], rtol=2e-3, atol=2e-3)
    return prepared.call, call


def seconds(call: Step) -> float:
    """Of one call; as many of them as last a round."""
    calls, start = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed > ROUND_S:
            return elapsed / calls


@pytest.mark.parametrize(
    ("phase", "make"),
    [("decode", decode), ("train_step", train_step)],
    ids=["decode", "train_step"],
)
def test_phase(phase: str, make: Callable[[Case], tuple[Step, Step]]) -> None:
    calls = dict(zip(("jaxrig", "flax"), make(find(f"transformer/nano/{phase}/f32")), strict=True))
    samples: dict[str, list[float]] = {side: [] for side in calls}
    for turn in range(ROUNDS + 1):
        for side in sorted(calls, reverse=turn % 2 == 1):  # ABBA
            samples[side].append(seconds(calls[side]))
    medians = {f"{side}_s": statistics.median(times[1:]) for side, times in samples.items()}
    pairs = zip(samples["jaxrig"][1:], samples["flax"][1:], strict=True)
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    print(f"RESULT {json.dumps({'phase': phase, 'ratio': ratio, **medians})}")
    assert ratio > 0
