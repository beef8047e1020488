"""From a problem to something that can be timed: trace, lower, compile, first call, check.

The compiled function takes one more argument in front, shaped like its output and donated:
each call writes into the buffers that the call before returned. Without it a fresh output on
CPU costs a page fault every 4 KiB, and a memory-bound case measures the kernel's allocator.
A problem with a state has such an argument of its own: the state.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

import jax
import jax.numpy as jnp
import numpy as np

from workloads import numerics
from workloads.case import Case
from workloads.problem import Activity, Observations, Problem, Warnings
from workloads.program import Program, describe

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Stages:
    """Seconds from Python function to first result, each once."""

    trace_s: float
    lower_s: float
    compile_s: float
    first_call_s: float


class Prepared(Protocol):
    """A checked case that can be timed. `stages`, `program`: None where nothing is compiled."""

    @property
    def case(self) -> Case: ...

    @property
    def stages(self) -> Stages | None: ...

    @property
    def program(self) -> Program | None: ...

    @property
    def numerics_error(self) -> float: ...

    @property
    def queued(self) -> bool:
        """Whether only the last call of a round is waited for."""

    @property
    def before_round(self) -> Callable[[], None] | None:
        """To be called untimed before each round, which then is one call."""

    def round(self, calls: int) -> None:
        """`calls` calls, each finished before the next starts. Returns when all are."""

    def observe(self) -> Observations:
        """What else was found out; asked for after the rounds."""

    def warnings(self) -> tuple[str, ...]:
        """What the problem itself warns of; asked for after the rounds."""

    def close(self) -> None:
        """Removes what was made for it."""


@dataclass(kw_only=True)
class Compiled:
    """A compiled, checked case, holding its arguments and the buffers it writes into.

    `carry`: the output of the last call, which the next is written over. After an exception
    within `call` or `round` it may be gone: prepare again.
    """

    case: Case
    stages: Stages
    program: Program
    numerics_error: float
    executable: jax.stages.Compiled
    arguments: tuple[Any, ...]
    carry: Any
    observations: Observations
    queued: bool = False
    warnings: Warnings = tuple
    before_round: None = None

    def call(self) -> Any:
        """One call, finished; its output is overwritten by the next."""
        self.round(1)
        return self.carry

    def round(self, calls: int) -> None:
        executable, arguments, carry = self.executable, self.arguments, self.carry
        if self.queued:
            for _ in range(calls):
                carry = executable(carry, *arguments)
            jax.block_until_ready(carry)  # type: ignore[no-untyped-call]
        else:
            for _ in range(calls):
                carry = executable(carry, *arguments)
                jax.block_until_ready(carry)  # type: ignore[no-untyped-call]
        self.carry = carry

    def observe(self) -> Observations:
        return self.observations

    def close(self) -> None:
        """Nothing but memory was taken."""


@dataclass(kw_only=True)
class Called:
    """A checked activity."""

    case: Case
    activity: Activity
    numerics_error: float
    stages: None = None
    program: None = None
    queued: bool = False

    @property
    def before_round(self) -> Callable[[], None] | None:
        return self.activity.before_round

    def round(self, calls: int) -> None:
        call = self.activity.call
        for _ in range(calls):
            call()

    def observe(self) -> Observations:
        return self.activity.observe()

    def warnings(self) -> tuple[str, ...]:
        return self.activity.warnings()

    def close(self) -> None:
        self.activity.close()


@overload
def prepare(case: Case, problem: Problem) -> Compiled: ...


@overload
def prepare(case: Case, problem: Activity) -> Called: ...


@overload
def prepare(case: Case, problem: Problem | Activity) -> Compiled | Called: ...


def prepare(case: Case, problem: Problem | Activity) -> Compiled | Called:
    """Makes `problem` ready to be timed. Raises `numerics.WrongNumbers`."""
    return call(case, problem) if isinstance(problem, Activity) else compile_(case, problem)


def call(case: Case, activity: Activity) -> Called:
    """Checks `activity`, and closes it where that fails."""
    try:
        return Called(case=case, activity=activity, numerics_error=activity.check())
    except BaseException:
        activity.close()
        raise


def compile_(case: Case, problem: Problem) -> Compiled:
    """Compiles `problem` and checks its first outputs.

    A pure function is traced apart for `trace_s`, which also tells the output's shapes; the
    donating wrapper around it is then traced again, untimed.
    """
    disable_compilation_cache()
    if problem.state is None:
        traced, trace_s = _clocked(lambda: jax.jit(problem.function).trace(*problem.arguments))
        carry = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), traced.out_info)
        if problem.sharding is not None:
            carry = jax.device_put(carry, problem.sharding)
        wrapper = donating(problem.function, problem.sharding).trace(carry, *problem.arguments)
    else:
        carry = problem.state
        # A leaf that is only written (the last loss) is kept, so that it is written in place.
        stepping = jax.jit(
            problem.function,
            donate_argnums=(0,),
            keep_unused=True,
            out_shardings=problem.sharding,
        )
        wrapper, trace_s = _clocked(lambda: stepping.trace(carry, *problem.arguments))
    lowered, lower_s = _clocked(wrapper.lower)
    executable, compile_s = _clocked(lowered.compile)
    carry, first_call_s = _clocked(lambda: _finished(executable(carry, *problem.arguments)))
    checked = [_on_host(problem.checked(carry))]
    for _ in range(1, problem.steps):
        carry = _finished(executable(carry, *problem.arguments))
        checked.append(_on_host(problem.checked(carry)))
    error = _check(case, problem, checked)
    return Compiled(
        case=case,
        stages=Stages(
            trace_s=trace_s, lower_s=lower_s, compile_s=compile_s, first_call_s=first_call_s
        ),
        program=describe(executable),
        numerics_error=error,
        executable=executable,
        arguments=problem.arguments,
        carry=carry,
        observations=problem.observe(carry),
        queued=queues() and not problem.waits,
        warnings=problem.warnings,
    )


def queues() -> bool:
    """Whether calls queue on the device: one starts as soon as the one before it, whose buffers it
    writes into, is finished. To wait for each would measure the way there and back, which on a GPU
    is longer than most kernels. On CPU the way is short, and what waits there has threads to share.
    """
    return jax.default_backend() != "cpu"


def _check(case: Case, problem: Problem, checked: list[Any]) -> float:
    if problem.steps == 1:
        return numerics.check(case, checked[0], problem.reference())
    course = jax.tree.map(lambda *leaves: np.stack(leaves), *checked)
    known = problem.reference()
    first = min(len(leaf) for leaf in jax.tree.leaves(known))
    error = numerics.check(case, jax.tree.map(lambda leaf: leaf[:first], course), known)
    if problem.falls:
        for values in jax.tree.leaves(course):
            numerics.check_falls(case, values)
    return error


def _finished(output: T) -> T:
    finished: T = jax.block_until_ready(output)  # type: ignore[no-untyped-call]
    return finished


def _on_host(output: Any) -> Any:
    """Copies: the next call writes over the device's arrays, which NumPy else would look at."""
    return jax.tree.map(lambda leaf: np.array(leaf, copy=True), output)


def disable_compilation_cache() -> None:
    """Makes JAX compile what it is asked to, whatever the environment's cache holds."""
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]


def donating(function: Callable[..., Any], sharding: Any = None) -> Any:
    """`function` jitted with a leading, unused, donated argument to put its output in.

    `sharding`: of the output, which the donated argument must share; None leaves it to JAX.

    The jitted name is the same for every workload, so that it is no part of the program.
    """

    def timed(scratch: Any, *arguments: Any) -> Any:
        del scratch
        return function(*arguments)

    return jax.jit(timed, donate_argnums=(0,), keep_unused=True, out_shardings=sharding)


def _clocked(action: Callable[[], T]) -> tuple[T, float]:
    """The result of `action` and the seconds it took."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start
