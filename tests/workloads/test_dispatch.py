"""The counter counts every call, and a line is found where there is one."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import Small, build
from workloads import builders, dispatch
from workloads.catalog import find
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import Activity

CALL, CHAIN = "dispatch/call/f32", "dispatch/chain/f32"
HANDED = "dispatch/handed/f32"


def test_a_call_counts_in_place() -> None:
    prepared = prepare(find(CALL), build(find(CALL)))
    assert prepared.numerics_error == 0
    assert prepared.program.alias_bytes == prepared.program.output_bytes == 4


def test_a_call_that_is_handed_over_counts_every_number() -> None:
    prepared = prepare(find(HANDED), build(find(HANDED)))
    assert prepared.numerics_error == 0
    assert prepared.program.alias_bytes == prepared.program.output_bytes == 4 * 4096


def test_calls_that_queue_are_all_made_and_finished() -> None:
    prepared = replace(prepare(find(CALL), build(find(CALL))), queued=True)
    before = float(prepared.carry)
    prepared.round(100)
    assert prepared.carry.is_ready()
    assert float(prepared.carry) == before + 100


def test_calls_queue_on_a_device_but_where_the_way_there_is_measured(
    monkeypatch: pytest.MonkeyPatch, small: Small
) -> None:
    case = small("matmul")
    assert not prepare(case, build(case)).queued
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert prepare(case, build(case)).queued
    assert not prepare(find(CALL), build(find(CALL))).queued


def test_a_chain_of_calls_counts_them_all_and_has_a_line() -> None:
    activity = builders.build(find(CHAIN))
    assert isinstance(activity, Activity)
    prepared = prepare(find(CHAIN), activity)
    assert prepared.numerics_error == 0
    prepared.round(4)
    found = prepared.observe()
    slope_s = found["slope_s"]
    assert isinstance(slope_s, float)
    assert 0 < slope_s < 1e-3
    assert set(found) == {"slope_s", "slope_best_s", "slope_worst_s", "intercept_s", "misfit"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda counter, _: counter,
        lambda counter, one: counter + one + one,
        lambda _, one: one,
        lambda counter, one: counter + one * (counter < 3),
    ],
)
def test_a_call_that_does_not_count_is_refused(
    wrong: Callable[[jax.Array, jax.Array], jax.Array],
) -> None:
    with pytest.raises(WrongNumbers):
        prepare(find(CALL), replace(build(find(CALL)), function=wrong))
    with pytest.raises(WrongNumbers):
        prepare(find(CHAIN), dispatch.chain(find(CHAIN), wrong))


def test_a_call_that_counts_only_some_is_refused() -> None:
    def wrong(counters: jax.Array, one: jax.Array) -> jax.Array:
        return counters.at[1:].add(one)

    with pytest.raises(WrongNumbers):
        prepare(find(HANDED), replace(build(find(HANDED)), function=wrong))


def test_a_chain_that_skips_a_call_is_refused() -> None:
    calls = 0

    def lazy(counter: jax.Array, one: jax.Array) -> jax.Array:
        nonlocal calls
        calls += 1
        return counter if calls == 5 else jnp.add(counter, one)

    with pytest.raises(WrongNumbers):
        prepare(find(CHAIN), dispatch.chain(find(CHAIN), lazy))


LADDERS = ("kernels", "looped", "arguments", "results")


@pytest.mark.parametrize("kind", LADDERS)
def test_every_ladder_counts_and_has_a_line(kind: str) -> None:
    case = find(f"dispatch/{kind}/f32")
    activity = builders.build(case)
    assert isinstance(activity, Activity)
    prepared = prepare(case, activity)
    assert prepared.numerics_error == 0
    prepared.round(2)
    slope_s = prepared.observe()["slope_s"]
    assert isinstance(slope_s, float)
    assert -1e-5 < slope_s < 1e-3


@pytest.mark.parametrize(
    ("kind", "fewer"),
    [
        ("kernels", lambda times: dispatch.levelling(times - 1)),
        ("looped", lambda times: dispatch.levelling_in_a_loop(times // 2)),
    ],
)
def test_a_program_of_fewer_kernels_is_refused(
    kind: str, fewer: Callable[[int], dispatch.Step]
) -> None:
    case = find(f"dispatch/{kind}/f32")
    with pytest.raises(WrongNumbers):
        prepare(case, dispatch.kernels(case, fewer))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda *counters: counters[0],
        lambda *counters: counters[0] + 2,
        lambda *counters: counters[-1] + 1,
    ],
)
def test_a_call_that_does_not_count_what_it_is_passed_is_refused(
    wrong: Callable[..., jax.Array],
) -> None:
    case = find("dispatch/arguments/f32")
    with pytest.raises(WrongNumbers):
        prepare(case, dispatch.passing(case, wrong))


def test_slopes_are_told_with_their_spread() -> None:
    """Of times that scatter in proportion, so do the slopes."""
    scatter = (0.5, 1.0, 1.0, 1.0, 3.0)
    took_s = {calls: [calls * 1e-6 * each for each in scatter] for calls in (1, 8)}
    ladder = dispatch.Ladder(
        run=lambda *_: None,
        begin=lambda: None,
        rungs=(1, 8),
        repeats=1,
        counts={1: 2, 8: 16},
        took_s=took_s,
    )
    found = ladder.observe()
    slopes = [found[name] for name in ("slope_best_s", "slope_s", "slope_worst_s")]
    assert slopes == pytest.approx([0.35e-6, 0.5e-6, 1.1e-6])


def test_the_line_is_found() -> None:
    found = dispatch.line({calls: 20e-6 + 3e-6 * calls for calls in (1, 2, 4, 8, 64)})
    assert found["slope_s"] == pytest.approx(3e-6)
    assert found["intercept_s"] == pytest.approx(20e-6)
    assert found["misfit"] == pytest.approx(0, abs=1e-9)


def test_what_lies_off_the_line_is_told() -> None:
    off = dispatch.line({1: 10e-6, 2: 11e-6, 4: 40e-6, 8: 17e-6})
    assert isinstance(off["misfit"], float)
    assert off["misfit"] > 0.2
