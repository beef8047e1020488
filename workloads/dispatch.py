"""The empty computation: what any call costs, waited for one by one, and N in a row; and what it
costs more to have another thread do it, be it awake or asleep, with each kernel of its program, and
with each array that it is given or gives back.

It is not quite empty: a counter in device memory goes up by one, each call from where the last
one left it. That is a dependency that no compiler and no runtime can leave out, and counting
proves that every call was made. Kernels are those of what models do between their products: numbers
of a row brought together, and spread over it again; rows that are even count as well.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from workloads import numerics
from workloads.case import Case
from workloads.catalog.dispatch import LOOPED, RUNGS
from workloads.kernels import kernels as read_kernels
from workloads.problem import Activity, Float64Array, Observations, Problem

STEPS = 5
"""Calls that are checked."""

ROWS, WIDTH = 4, 128
"""Of what kernels count up: of the smallest models, so that hardly any time goes into the work."""

ELEMENTS = 8
"""Of an array that is passed: one vector register."""

PAUSE_S = 1e-3
"""Longer than any thread looks out for work before it sleeps: some 0.1 ms."""

BEST, WORST = 0.1, 0.9
"""Quantiles of a rung's times: as fast as it is at times, and as slow as it seldom is."""

Step = Callable[[jax.Array, jax.Array], jax.Array]
"""(counter, one) -> the counter's next value: a compiled call."""


def count(counter: jax.Array, one: jax.Array) -> jax.Array:
    """counter + one: f32, of any shape and a scalar."""
    return counter + one


def build(case: Case) -> Problem | Activity:
    """Parameters: kind (`call`, `handed`, `woken`, `chain`, `kernels`, `looped`, `arguments`,
    `results`); of the second and third elements, of those after them longest and repeats, too."""
    kind = str(case.parameters["kind"])
    if kind == "call":
        return counting(())
    if kind == "handed":
        return counting((case.integer("elements"),))
    if kind == "woken":
        return woken(case)
    if kind == "chain":
        step = jax.jit(count, donate_argnums=(0,)).lower(jnp.float32(0), jnp.float32(1)).compile()
        return chain(case, step)
    if kind in ("kernels", "looped"):
        return kernels(case, levelling if kind == "kernels" else levelling_in_a_loop)
    return passing(case, giving if kind == "results" else taking)


def counting(shape: tuple[int, ...]) -> Problem:
    """One call, of counters of that shape."""
    steps = np.arange(1, STEPS + 1, dtype=np.float64)
    return Problem(
        function=count,
        state=jnp.zeros(shape, jnp.float32),
        arguments=(jnp.float32(1),),
        reference=lambda: np.broadcast_to(steps.reshape(-1, *[1] * len(shape)), (STEPS, *shape)),
        steps=STEPS,
        waits=True,
    )


def woken(case: Case) -> Activity:
    """One call after a pause, by which whoever is to do it has gone to sleep."""
    counters, one = jnp.zeros((case.integer("elements"),), jnp.float32), jnp.float32(1)
    step = jax.jit(count).lower(counters, one).compile()

    def call() -> jax.Array:
        counted: jax.Array = step(counters, one).block_until_ready()
        return counted

    def check() -> float:
        return numerics.check(case, np.asarray(call()), np.ones(counters.shape))

    return Activity(call=call, check=check, before_round=lambda: time.sleep(PAUSE_S))


def chain(case: Case, step: Step) -> Activity:
    """T(N) over the ladder of N calls of the compiled `step`, of which the last is waited for."""
    one = jnp.float32(1)

    def run(calls: int, counter: jax.Array) -> jax.Array:
        for _ in range(calls):
            counter = step(counter, one)
        end: jax.Array = counter.block_until_ready()
        return end

    return _climbing(case, run, float, begin=lambda: jnp.float32(0).block_until_ready())


def level(rows: jax.Array, one: jax.Array) -> jax.Array:
    """Adds to a row how far its numbers are below the largest, and one."""
    below = jnp.max(rows, axis=-1, keepdims=True) - rows
    levelled: jax.Array = jax.lax.optimization_barrier(rows + (below + one))  # type: ignore[no-untyped-call]
    return levelled


def levelling(times: int) -> Step:
    """A function that levels `times`: what lies between keeps the compiler from making one kernel
    of two."""

    def function(rows: jax.Array, one: jax.Array) -> jax.Array:
        for _ in range(times):
            rows = level(rows, one)
        return rows

    return function


def levelling_in_a_loop(times: int) -> Step:
    """The same by few kernels, again and again."""

    def function(rows: jax.Array, one: jax.Array) -> jax.Array:
        def turn(_: int, rows: jax.Array) -> jax.Array:
            return levelling(LOOPED)(rows, one)

        end: jax.Array = jax.lax.fori_loop(0, times // LOOPED, turn, rows)
        return end

    return function


def kernels(case: Case, levelling: Callable[[int], Step]) -> Activity:
    """T(N) over programs of N kernels, as many as the compiler made. Rows begin even."""
    rows, one = jnp.zeros((ROWS, WIDTH), jnp.float32), jnp.float32(1)
    programs = {
        times: jax.jit(levelling(times)).lower(rows, one).compile() for times in _rungs(case)
    }

    def run(times: int, _: object) -> jax.Array:
        end: jax.Array = programs[times](rows, one).block_until_ready()
        return end

    counts = {times: kernel_count(program) for times, program in programs.items()}
    return _climbing(case, run, lambda times: np.full((ROWS, WIDTH), times), counts=counts)


def kernel_count(program: jax.stages.Compiled) -> int:
    """Raises `RuntimeError` where the backend does not show its program."""
    found = read_kernels(program.as_text() or "")
    if found is None:
        raise RuntimeError(
            "the compiled program cannot be read: nobody knows how many kernels it has"
        )
    return found.count


def taking(counter: jax.Array, *others: jax.Array) -> jax.Array:
    """The counter's next value, whatever else is passed."""
    del others
    return counter + 1


def giving(*counters: jax.Array) -> tuple[jax.Array, ...]:
    """The next value of each counter."""
    return tuple(counter + 1 for counter in counters)


def passing(case: Case, function: Callable[..., Any]) -> Activity:
    """T(N) over calls with N arrays, each of its own value. What a call gives back is written over
    what it was given."""
    calls: dict[int, Callable[..., Any]] = {}
    states: dict[int, list[jax.Array]] = {}
    for number in _rungs(case):
        states[number] = [jnp.full(ELEMENTS, place, jnp.float32) for place in range(number)]
        given = tuple(range(number)) if function is giving else (0,)
        passed = jax.jit(function, donate_argnums=given, keep_unused=True)
        calls[number] = passed.lower(*states[number]).compile()

    def run(number: int, _: object) -> list[jax.Array]:
        arrays = states[number]
        given = jax.tree.leaves(calls[number](*arrays))
        jax.block_until_ready(given)  # type: ignore[no-untyped-call]
        arrays[: len(given)] = given
        return arrays

    def expected(number: int) -> Float64Array:
        """After one call."""
        places = np.arange(number, dtype=np.float64)
        places[: number if function is giving else 1] += 1
        return np.repeat(places[:, None], ELEMENTS, axis=1)

    return _climbing(case, run, expected)


def _rungs(case: Case) -> tuple[int, ...]:
    rungs = RUNGS[str(case.parameters["kind"])]
    return tuple(number for number in rungs if number <= case.integer("longest"))


def _climbing(
    case: Case,
    run: Callable[[int, Any], Any],
    expected: Callable[[int], Any],
    begin: Callable[[], Any] = lambda: None,
    counts: Mapping[int, int] | None = None,
) -> Activity:
    """`run(N, begin())` over the case's rungs of N as an activity with a line through its times.
    `expected`: what the first run of each gives. `counts`: of what there are so many in a rung,
    where that is not N."""
    rungs = _rungs(case)
    ladder = Ladder(
        run=run,
        begin=begin,
        rungs=rungs,
        repeats=case.integer("repeats"),
        counts=counts or {number: number for number in rungs},
    )

    def check() -> float:
        return max(
            numerics.check(
                case, np.asarray(run(number, begin())), np.asarray(expected(number), np.float64)
            )
            for number in ladder.rungs
        )

    return Activity(call=ladder.climb, check=check, observe=ladder.observe)


@dataclass(kw_only=True)
class Ladder:
    """`run`: does something N times, and returns when it is done; it is given what `begin` made,
    untimed. `counts`: of what slopes tell, for each N. `took_s`: for each N, seconds."""

    run: Callable[[int, Any], object]
    begin: Callable[[], Any]
    rungs: Sequence[int]
    repeats: int
    counts: Mapping[int, int]
    took_s: dict[int, list[float]] = field(default_factory=dict)

    def climb(self) -> None:
        """Every rung, `repeats` times in turns, so that a drift spreads over all of them."""
        for _ in range(self.repeats):
            for number in self.rungs:
                begun = self.begin()
                start = time.perf_counter()
                self.run(number, begun)
                self.took_s.setdefault(number, []).append(time.perf_counter() - start)

    def observe(self) -> Observations:
        """Lines through the medians, and through the deciles on either side of them."""
        best, usual, worst = (
            line({self.counts[n]: float(np.quantile(took, of)) for n, took in self.took_s.items()})
            for of in (BEST, 0.5, WORST)
        )
        slopes = {"slope_best_s": best["slope_s"], "slope_worst_s": worst["slope_s"]}
        return {**usual, **slopes}


def line(took_s: Mapping[int, float]) -> Observations:
    """T(N) = intercept + slope N, by least squares of relative errors.

    Relative ones, since the noise of T grows with T: else the longest chain alone decides.
    `misfit`: the largest relative distance of a time from the line.
    """
    calls, seconds = np.array(list(took_s)), np.array(list(took_s.values()))
    slope, intercept = np.polyfit(calls, seconds, deg=1, w=1 / seconds)
    misfit = np.abs((intercept + slope * calls) / seconds - 1).max()
    return {"slope_s": float(slope), "intercept_s": float(intercept), "misfit": float(misfit)}
