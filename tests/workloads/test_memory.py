"""Streams and gathers, right, and with each broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import build
from workloads import builders
from workloads.case import Case
from workloads.catalog import find, memory
from workloads.memory import (
    NO_LINK,
    cycle,
    gather,
    reflect,
    transpose,
    triad,
    update,
    write,
)
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

ELEMENTS = 8192
SQUARE = 64 * 64
SWEEPS = memory.SWEEPS
LIKE = {
    **{name: f"memory/{name}/128MiB/f32" for name in memory.ARRAYS},
    "gather": "memory/gather/256MiB/f32",
    "chase": "memory/chase/256MiB/int32",
    **{name: f"memory/{name}/16KiB/f32" for name in ("read", "write", "update")},
    "transpose": "memory/transpose/64KiB/f32",
}


def tiny(kernel: str) -> Case:
    case = find(LIKE[kernel])
    sizes = {"loads": 96} if "loads" in case.parameters else {}
    if "passes" in case.parameters:
        sizes = {"passes": 5}
    changed = {**case.parameters, "elements": SQUARE if kernel in SWEEPS else ELEMENTS, **sizes}
    return replace(case, id=f"memory/{kernel}/small/{case.dtype}", parameters=changed)


@pytest.mark.parametrize("kernel", list(LIKE))
def test_every_kernel_is_right_and_written_in_place(kernel: str) -> None:
    case = tiny(kernel)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error <= min(case.tolerance, 2e-6)
    assert prepared.program.alias_bytes == prepared.program.output_bytes


@pytest.mark.parametrize("kernel", ["write", "update", "transpose"])
def test_where_calls_queue_several_passes_share_a_turn_and_are_kept_apart(
    monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    monkeypatch.setattr("workloads.memory.queues", lambda: True)
    case = tiny(kernel)
    assert prepare(case, build(case)).numerics_error <= min(case.tolerance, 2e-6)
    problem = build(case)
    lowered = jax.jit(problem.function).lower(problem.state, *problem.arguments).as_text()
    assert lowered.count("call @") == case.integer("passes")  # of what has the barrier at its end
    assert "while" not in lowered
    assert "optimization_barrier" in lowered


@pytest.mark.parametrize("kernel", list(memory.ARRAYS))
def test_xla_counts_the_streams_as_stream_does(kernel: str) -> None:
    case = tiny(kernel)
    counted = memory.stream_cost(kernel, elements=ELEMENTS, itemsize=4)
    program = prepare(case, build(case)).program
    assert (program.xla_flops or 0.0) == counted.flops  # XLA leaves a count of none out
    assert program.xla_bytes == pytest.approx(counted.bytes, abs=8)  # and the factor


def test_costs_by_hand() -> None:
    assert memory.stream_cost("triad", elements=5, itemsize=4).bytes == 4 * (5 + 5 + 5)
    assert memory.stream_cost("triad", elements=5, itemsize=4).flops == 5 + 5
    assert memory.gather_cost(elements=100, loads=7, itemsize=4).bytes == 28 + 28 + 28
    assert memory.gather_cost(elements=3, loads=7, itemsize=4).bytes == 12 + 28 + 28
    assert memory.chase_cost(loads=7, itemsize=4).bytes == 28


@pytest.mark.parametrize("name", list(SWEEPS))
def test_costs_of_sweeps_by_hand(name: str) -> None:
    counted = memory.sweep_cost(name, elements=5, passes=3, itemsize=4)
    assert counted.bytes == 4 * 5 * 3 * (2 if name in ("update", "transpose") else 1)
    assert counted.flops == 5 * 3 * {"read": 2, "write": 0}.get(name, 1)


def test_sweeps_pass_an_odd_number_of_times() -> None:
    """An even one of updates would leave the array as it was, as would none."""
    sweeps = [case for case in memory.CASES if "passes" in case.parameters]
    assert sweeps
    assert all(case.integer("passes") % 2 for case in sweeps)


def test_sweeps_go_over_what_the_first_cache_holds_and_four_times_a_last_one() -> None:
    sizes = [4 * case.integer("elements") for case in memory.CASES if "/read/" in case.id]
    assert min(sizes) <= 16 << 10
    assert max(sizes) >= 4 * 300 << 20


def test_fresh_memory_is_filled_and_what_there_is_told() -> None:
    case = replace(
        find("memory/allocate/64MiB/f32"), parameters={"kernel": "allocate", "elements": 64}
    )
    prepared = prepare(case, builders.build(case))
    assert prepared.numerics_error == 0
    told = prepared.observe()["allocatable_bytes"]
    assert isinstance(told, int)
    assert told > 1 << 28


def test_a_standard_stream_is_four_times_a_last_level_cache_of_32_mib() -> None:
    for name in memory.ARRAYS:
        assert 4 * find(LIKE[name]).integer("elements") >= 4 * 32 * 2**20


MUTANTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "copies the neighbour": ("copy", lambda b: jnp.roll(b, 1)),
    "scale off by a percent": ("scale", lambda b, q: 1.01 * q * b),
    "adds one twice": ("add", lambda b, _: b + b),
    "triad without its factor": ("triad", lambda b, c, _: b + c),
    "triad with a wrong scale": ("triad", lambda b, c, q: b + 1.01 * q * c),
    "triad that leaves one element out": ("triad", lambda b, c, q: triad(b, c, q).at[7].set(b[7])),
    "triad in bf16": (
        "triad",
        lambda b, c, q: triad(*(x.astype(jnp.bfloat16) for x in (b, c, q))).astype(jnp.float32),
    ),
    "gather off by one": ("gather", lambda table, at: gather(table, at + 1)),
    "gather in another order": ("gather", lambda table, at: gather(table, at[::-1])),
    "chase of one load less": (
        "chase",
        lambda at, table: jax.lax.fori_loop(0, 95, lambda _, i: table[i], at),
    ),
    "chase off by one": (
        "chase",
        lambda at, table: jax.lax.fori_loop(0, 96, lambda _, i: table[i + 1], at),
    ),
    "chase that stays": ("chase", lambda at, table: at + 0 * table[0]),
    "read of one pass less": ("read", partial(reflect, passes=4)),
    "read of another matrix": ("read", lambda matrix, v: reflect(matrix.at[3, 5].add(1), v, 5)),
    "update of one pass less": ("update", partial(update, passes=4)),
    "update that leaves one out": ("update", lambda x, turn: update(x, turn, 5).at[7].set(9.0)),
    "transposition of one pass less": ("transpose", partial(transpose, passes=4)),
    "no transposition at all": ("transpose", lambda x, turn: turn - x),
    "write of one pass less": ("write", partial(write, passes=4)),
    "write that leaves one out": (
        "write",
        lambda state, one: (write(state, one, 5)[0].at[7].set(0), write(state, one, 5)[1]),
    ),
}


@pytest.mark.parametrize("name", list(MUTANTS))
def test_broken_arithmetic_is_refused(name: str) -> None:
    kernel, wrong = MUTANTS[name]
    case = tiny(kernel)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))


def test_the_chase_visits_every_line_once() -> None:
    problem = build(tiny("chase"))
    table = np.asarray(problem.arguments[0])
    position, seen = int(problem.state), set()
    while position not in seen:
        seen.add(position)
        position = int(table[position])
    assert position == int(problem.state)
    assert len(seen) == ELEMENTS // memory.LINE_ELEMENTS
    assert int((table == NO_LINK).sum()) == ELEMENTS - len(seen)


def test_the_order_of_the_chase_is_random_and_the_same_in_every_launch() -> None:
    first, again = (cycle(np.random.default_rng(3), ELEMENTS) for _ in range(2))
    assert (first == again).all()
    strides = np.diff(first)
    assert np.unique(strides).size > strides.size // 2
