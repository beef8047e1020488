"""The model against its reference, whole and with each part broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small
from workloads import transformer
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.transformer import Layer, Weights, build, forward

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])
ORIGINAL_RMSNORM = transformer.rmsnorm


def sees_all(context: int) -> jax.Array:
    return jnp.ones((context, context), dtype=bool)


def unturned(x: jax.Array) -> jax.Array:
    return x


def ungated(layer: Layer, x: jax.Array) -> jax.Array:
    return (x @ layer.up) @ layer.down


def unscaled(x: jax.Array, scale: jax.Array) -> jax.Array:
    return ORIGINAL_RMSNORM(x, jnp.ones_like(scale))


def scaled(weights: Weights, tokens: jax.Array) -> jax.Array:
    return 1.01 * forward(weights, tokens)


@DTYPES
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_the_logits_are_right(small: Small, dtype: str, kv_heads: int) -> None:
    case = small("transformer", dtype, kv_heads=kv_heads)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-4 if dtype == "f32" else case.tolerance)
    assert prepared.call().dtype == jnp.float32


@DTYPES
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, dtype: str) -> None:
    case = small("transformer", dtype)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=scaled))


@DTYPES
@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("causal_mask", sees_all),
        ("rotary", unturned),
        ("feed_forward", ungated),
        ("rmsnorm", unscaled),
    ],
)
def test_a_broken_part_is_refused(
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    part: str,
    wrong: Callable[..., Any],
) -> None:
    case = small("transformer", dtype, layers=1)
    problem = build(case)
    monkeypatch.setattr(transformer, part, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, problem)
