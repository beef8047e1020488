from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small, build
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare


def test_every_call_writes_into_the_same_memory(small: Small) -> None:
    case = small("matmul", m=256, n=256)
    prepared = prepare(case, build(case))
    places = {prepared.call().unsafe_buffer_pointer() for _ in range(5)}
    prepared.round(3)
    assert places == {prepared.carry.unsafe_buffer_pointer()}


def test_calls_go_on_giving_the_right_answer(small: Small) -> None:
    case = small("dense")
    problem = build(case)
    prepared = prepare(case, problem)
    prepared.round(4)
    assert np.allclose(prepared.call(), problem.reference(), rtol=1e-5)


def test_stages_are_timed_apart(small: Small) -> None:
    case = small("transformer")
    stages = prepare(case, build(case)).stages
    parts = (stages.trace_s, stages.lower_s, stages.compile_s, stages.first_call_s)
    assert all(0 < part < 60 for part in parts)
    assert stages.compile_s > stages.first_call_s


def test_tracing_is_timed_without_a_warm_cache(small: Small) -> None:
    """A slow trace must show in `trace_s`: the wrapper's own trace comes later."""
    case = small("matmul")
    problem = build(case)
    traced = []

    def counted(a: jax.Array, b: jax.Array) -> jax.Array:
        traced.append(1)
        product: jax.Array = problem.function(a, b)
        return product

    prepared = prepare(case, replace(problem, function=counted))
    prepared.round(5)
    assert len(traced) == 2


def test_an_output_of_another_shape_is_wrong(small: Small) -> None:
    case = small("matmul")

    def flat(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.ravel(a @ b)

    with pytest.raises(WrongNumbers, match="numerics error inf"):
        prepare(case, replace(build(case), function=flat))
