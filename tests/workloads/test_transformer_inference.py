"""forward, prefill and decode against their references, whole and with each part broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import build
from tests.workloads.tiny_transformer import tiny
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.transformer import decode, model, reference
from workloads.transformer.decode import LayerCache, State
from workloads.transformer.model import Layer, Rotation, Weights, forward

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])
INFERENCE = pytest.mark.parametrize("phase", ["forward", "prefill", "decode"])
RMSNORM, ROTATION, FEED_FORWARD = model.rmsnorm, model.rotation, model.feed_forward
WRITTEN, XLA_LOOKUP = decode.written, decode.xla_lookup


def sees_all(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return jax.nn.dot_product_attention(q, k, v)


def unscaled_scores(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return jax.nn.dot_product_attention(q, k, v, is_causal=True, scale=1.0)


def unturned(x: jax.Array, turn: Rotation) -> jax.Array:
    return x


def turned_too_far(weights: Weights, positions: Any) -> Rotation:
    return ROTATION(weights, positions + 1)


def ungated(layer: Layer, x: jax.Array) -> jax.Array:
    return (x @ layer.up) @ layer.down


def without_residual(layer: Layer, x: jax.Array) -> jax.Array:
    """What is added to x takes x away: the layer's own output is all that stays."""
    return FEED_FORWARD(layer, x) - x


def unscaled(x: jax.Array, scale: jax.Array) -> jax.Array:
    return RMSNORM(x, jnp.ones_like(scale))


def not_written(cache: LayerCache, *_: Any) -> LayerCache:
    return cache


def written_before(
    cache: LayerCache, k: jax.Array, v: jax.Array, start: jax.Array, implementation: Any
) -> LayerCache:
    return WRITTEN(cache, k, v, start - 1, implementation)


def stale_value(
    cache: LayerCache, k: jax.Array, v: jax.Array, start: jax.Array, implementation: Any
) -> LayerCache:
    return WRITTEN(cache, k, v, start, implementation)._replace(values=cache.values)


def looks_one_short(q: jax.Array, cache: LayerCache, position: jax.Array) -> jax.Array:
    return XLA_LOOKUP(q, cache, position - 1)


def unscaled_lookup(q: jax.Array, cache: LayerCache, position: jax.Array) -> jax.Array:
    return XLA_LOOKUP(q * q.shape[-1] ** 0.5, cache, position)


@DTYPES
@INFERENCE
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_the_numbers_are_right(phase: str, dtype: str, kv_heads: int) -> None:
    # Enough sequences to average bf16's errors, which would look like a wrong factor.
    case = tiny(phase, dtype, kv_heads=kv_heads, batch=8, checked_batch=8)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-4 if dtype == "f32" else case.tolerance)
    output = prepared.call()
    assert (output if phase == "forward" else output.logits).dtype == jnp.float32


@DTYPES
@INFERENCE
@pytest.mark.usefixtures("hasty")
def test_a_scale_wrong_by_one_percent_is_refused(phase: str, dtype: str) -> None:
    case = tiny(phase, dtype)
    problem = build(case)

    def scaled(*arguments: Any) -> Any:
        output = problem.function(*arguments)
        if phase == "forward":
            return 1.01 * output
        return output._replace(logits=1.01 * output.logits)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=scaled))


BROKEN_MODEL = [
    ("rotary", unturned),
    ("feed_forward", ungated),
    ("feed_forward", without_residual),
    ("rmsnorm", unscaled),
]
BROKEN_ATTENTION = [("attention", sees_all), ("attention", unscaled_scores)]
BROKEN_CACHE = [
    ("written", not_written),
    ("written", written_before),
    ("written", stale_value),
    ("xla_lookup", looks_one_short),
    ("xla_lookup", unscaled_lookup),
    ("rotation", turned_too_far),
]


@DTYPES
@pytest.mark.parametrize(
    ("phase", "part", "wrong"),
    [
        *(("forward", *broken) for broken in BROKEN_MODEL + BROKEN_ATTENTION),
        *(("prefill", *broken) for broken in BROKEN_MODEL + BROKEN_ATTENTION),
        *(("decode", *broken) for broken in BROKEN_MODEL + BROKEN_CACHE),
        ("prefill", "rotation", turned_too_far),
        ("prefill", "written", not_written),
    ],
)
@pytest.mark.usefixtures("hasty")
def test_a_broken_part_is_refused(
    monkeypatch: pytest.MonkeyPatch, dtype: str, phase: str, part: str, wrong: Callable[..., Any]
) -> None:
    case = tiny(phase, dtype, layers=1)
    problem = build(case)
    for module in (model, decode):
        if hasattr(module, part):
            monkeypatch.setattr(module, part, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, problem)


def test_prefill_and_then_decode_is_the_full_forward_pass() -> None:
    """Ten tokens read at once, six more one by one, in a cache with room to spare."""
    case = tiny("decode", context=20)
    problem = build(case)
    weights: Weights = problem.arguments[0]
    tokens = jax.random.randint(jax.random.key(0), (2, 16), 0, 64)
    whole = forward(weights, tokens)
    state: State = jax.jit(decode.prefill)(problem.state, weights, tokens[:, :10])
    assert np.allclose(state.logits, whole[:, 9], atol=1e-4)
    one_more = jax.jit(decode.decode)
    for position in range(10, 16):
        state = one_more(state, weights, tokens[:, position], jnp.int32(position))
        assert np.allclose(state.logits, whole[:, position], atol=1e-4)


def test_the_references_agree_with_each_other() -> None:
    """What decode's reference says after a prefill's cache is what forward's says."""
    weights, tokens = build(tiny("forward")).arguments
    tokens = np.asarray(tokens)
    keys, values, _ = reference.prefill(weights, tokens[:, :-1])
    *_, logits = reference.decode(weights, (keys, values), tokens[:, -1])
    assert np.allclose(logits, reference.forward(weights, tokens)[:, -1], atol=1e-12)


def test_every_decode_does_the_same_work_in_the_same_memory() -> None:
    case = tiny("decode")
    prepared = prepare(case, build(case))
    first = jax.tree.map(np.array, prepared.call())
    places = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(prepared.carry)]
    again = prepared.call()
    assert places == [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(again)]
    jax.tree.map(np.testing.assert_array_equal, first, again)


def test_only_a_beginning_is_checked_where_the_case_says_so() -> None:
    case = tiny("forward", checked_batch=1, checked_context=5)
    assert build(case).reference().shape == (1, 5, 64)
    assert prepare(case, build(case)).numerics_error < 1e-4
