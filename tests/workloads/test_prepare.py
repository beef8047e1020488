from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small, build
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import Activity, Problem


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


def test_a_state_is_carried_in_place_and_checked_step_by_step(small: Small) -> None:
    """Halving a vector: each call writes over the last one's output."""
    start = np.arange(1.0, 9.0)
    course = np.stack([start / 2, start / 4, start / 8])
    problem = Problem(
        function=lambda state, by: state * by,
        state=jnp.asarray(start, jnp.float32),
        arguments=(jnp.float32(0.5),),
        reference=lambda: course,
        steps=3,
        falls=False,
    )
    prepared = prepare(small("matmul"), problem)
    assert prepared.numerics_error == 0.0
    places = {prepared.call().unsafe_buffer_pointer() for _ in range(3)}
    assert len(places) == 1
    assert np.allclose(prepared.carry, start / 64)
    with pytest.raises(WrongNumbers, match="numerics error"):
        prepare(
            small("matmul"),
            replace(
                problem, state=jnp.asarray(start, jnp.float32), reference=lambda: course * 1.004
            ),
        )


@pytest.mark.parametrize(("by", "falls"), [(0.5, True), (1.0, False), (2.0, False)])
def test_a_loss_that_does_not_fall_is_wrong(small: Small, by: float, falls: bool) -> None:
    problem = Problem(
        function=lambda state, factor: {"loss": state["loss"] * factor, "rest": state["rest"]},
        state={"loss": jnp.float32(8.0), "rest": jnp.ones(3)},
        arguments=(jnp.float32(by),),
        checked=lambda state: state["loss"],
        reference=lambda: 8.0 * by ** np.arange(1.0, 5.0),
        steps=4,
        falls=True,
    )
    if falls:
        prepare(small("matmul"), problem)
    else:
        with pytest.raises(WrongNumbers, match="the loss does not fall"):
            prepare(small("matmul"), problem)


def test_each_array_of_a_tree_is_checked_and_their_number(small: Small) -> None:
    case = small("matmul")
    ones = np.ones(4)
    problem = Problem(
        function=lambda x: (x, 2 * x),
        arguments=(jnp.ones(4),),
        reference=lambda: (ones, 2 * ones),
        observe=lambda output: {"sum": float(output[1].sum())},
    )
    prepared = prepare(case, problem)
    assert prepared.observe() == {"sum": 8.0}
    with pytest.raises(WrongNumbers, match="array 1"):
        prepare(case, replace(problem, reference=lambda: (ones, 3 * ones)))
    with pytest.raises(WrongNumbers, match="2 arrays, and 1 in the reference"):
        prepare(case, replace(problem, reference=lambda: ones))


def test_an_activity_is_checked_called_and_closed(small: Small) -> None:
    did: list[str] = []

    def check() -> float:
        did.append("check")
        return 0.125

    activity = Activity(
        call=lambda: did.append("call"), check=check, close=lambda: did.append("close")
    )
    prepared = prepare(small("matmul"), activity)
    prepared.round(2)
    prepared.close()
    assert did == ["check", "call", "call", "close"]
    assert (prepared.numerics_error, prepared.stages, prepared.program) == (0.125, None, None)


def test_an_activity_that_fails_its_check_is_closed(small: Small) -> None:
    did: list[str] = []

    def check() -> float:
        raise WrongNumbers("not what was written")

    with pytest.raises(WrongNumbers, match="not what was written"):
        prepare(
            small("matmul"),
            Activity(call=lambda: None, check=check, close=lambda: did.append("close")),
        )
    assert did == ["close"]


def test_an_output_of_another_shape_is_wrong(small: Small) -> None:
    case = small("matmul")

    def flat(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.ravel(a @ b)

    with pytest.raises(WrongNumbers, match="numerics error inf"):
        prepare(case, replace(build(case), function=flat))
