"""The empty computation: what any call costs, waited for one by one, and N in a row.

It is not quite empty: a counter in device memory goes up by one, each call from where the last
one left it. That is a dependency that no compiler and no runtime can leave out, and counting
proves that every call was made.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from workloads import numerics
from workloads.case import Case
from workloads.catalog.dispatch import LADDER
from workloads.problem import Activity, Observations, Problem

STEPS = 5
"""Calls that are checked."""

Step = Callable[[jax.Array, jax.Array], jax.Array]
"""(counter, one) -> the counter's next value: a compiled call."""


def count(counter: jax.Array, one: jax.Array) -> jax.Array:
    """counter + one: f32 scalars."""
    return counter + one


def build(case: Case) -> Problem | Activity:
    """Parameters: kind (`call` or `chain`); for a chain longest, repeats."""
    if case.parameters["kind"] == "call":
        return Problem(
            function=count,
            state=jnp.float32(0),
            arguments=(jnp.float32(1),),
            reference=lambda: np.arange(1, STEPS + 1, dtype=np.float64),
            steps=STEPS,
            waits=True,
        )
    one = jnp.float32(1)
    step = jax.jit(count, donate_argnums=(0,)).lower(jnp.float32(0), one).compile()
    return chain(case, step)


def chain(case: Case, step: Step) -> Activity:
    """T(N) over the ladder of N, as an activity around the compiled `step`."""
    longest = case.integer("longest")
    ladder = Ladder(
        step=step,
        rungs=tuple(calls for calls in LADDER if calls <= longest),
        repeats=case.integer("repeats"),
    )

    def check() -> float:
        counted = [np.asarray(ladder.run(calls)) for calls in ladder.rungs]
        return numerics.check(case, np.array(counted), np.array(ladder.rungs, dtype=np.float64))

    return Activity(call=ladder.climb, check=check, observe=ladder.observe)


@dataclass(kw_only=True)
class Ladder:
    """`took_s`: for each N, seconds from the first of N calls until the last one is finished."""

    step: Step
    rungs: Sequence[int]
    repeats: int
    one: jax.Array = field(default_factory=lambda: jnp.float32(1))
    took_s: dict[int, list[float]] = field(default_factory=dict)

    def run(self, calls: int) -> jax.Array:
        """The counter after `calls` calls, of which only the last is waited for."""
        counter = jnp.float32(0)
        for _ in range(calls):
            counter = self.step(counter, self.one)
        end: jax.Array = counter.block_until_ready()
        return end

    def climb(self) -> None:
        """Every rung, `repeats` times in turns, so that a drift spreads over all of them."""
        for _ in range(self.repeats):
            for calls in self.rungs:
                self.took_s.setdefault(calls, []).append(self._took_s(calls))

    def observe(self) -> Observations:
        return line({calls: statistics.median(took) for calls, took in self.took_s.items()})

    def _took_s(self, calls: int) -> float:
        counter, step, one = jnp.float32(0), self.step, self.one
        start = time.perf_counter()
        for _ in range(calls):
            counter = step(counter, one)
        counter.block_until_ready()
        return time.perf_counter() - start


def line(took_s: Mapping[int, float]) -> Observations:
    """T(N) = intercept + slope N through medians, by least squares of relative errors.

    Relative ones, since the noise of T grows with T: else the longest chain alone decides.
    `misfit`: the largest relative distance of a median from the line.
    """
    calls, seconds = np.array(list(took_s)), np.array(list(took_s.values()))
    slope, intercept = np.polyfit(calls, seconds, deg=1, w=1 / seconds)
    misfit = np.abs((intercept + slope * calls) / seconds - 1).max()
    return {"slope_s": float(slope), "intercept_s": float(intercept), "misfit": float(misfit)}
