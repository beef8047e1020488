"""From a problem to something that can be timed: trace, lower, compile, first call, check.

The compiled function takes one more argument in front, shaped like its output and donated:
each call writes into the buffer that the call before returned. Without it a fresh output on
CPU costs a page fault every 4 KiB, and a memory-bound case measures the kernel's allocator.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from workloads import numerics
from workloads.case import Case
from workloads.problem import Problem
from workloads.program import Program, describe

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Stages:
    """Seconds from Python function to first result, each once."""

    trace_s: float
    lower_s: float
    compile_s: float
    first_call_s: float


class Prepared:
    """A compiled, checked case, holding its arguments and the buffer it writes into.

    After an exception within `call` or `round` the buffer may be gone: prepare again.
    """

    def __init__(
        self,
        executable: jax.stages.Compiled,
        arguments: tuple[Any, ...],
        scratch: jax.Array,
        *,
        case: Case,
        stages: Stages,
        program: Program,
        numerics_error: float,
    ) -> None:
        self.case = case
        self.stages = stages
        self.program = program
        self.numerics_error = numerics_error
        self.executable = executable
        self.arguments = arguments
        self.scratch = scratch

    def call(self) -> jax.Array:
        """One call, finished; its output is overwritten by the next."""
        self.round(1)
        return self.scratch

    def round(self, calls: int) -> None:
        """`calls` calls, each finished before the next starts."""
        executable, arguments, scratch = self.executable, self.arguments, self.scratch
        for _ in range(calls):
            scratch = executable(scratch, *arguments)
            scratch.block_until_ready()
        self.scratch = scratch


def prepare(case: Case, problem: Problem) -> Prepared:
    """Compiles `problem` and checks its first output. Raises `numerics.WrongNumbers`.

    The function is traced apart for `trace_s`, which also tells the output's shape; the
    donating wrapper around it is then traced again, untimed.
    """
    disable_compilation_cache()
    traced, trace_s = _clocked(lambda: jax.jit(problem.function).trace(*problem.arguments))
    shape, dtype = traced.out_info.shape, traced.out_info.dtype
    scratch = jnp.zeros(shape, dtype)
    wrapper = donating(problem.function).trace(scratch, *problem.arguments)
    lowered, lower_s = _clocked(wrapper.lower)
    executable, compile_s = _clocked(lowered.compile)
    output, first_call_s = _clocked(
        lambda: executable(scratch, *problem.arguments).block_until_ready()
    )
    error = numerics.check(case, np.asarray(output), problem.reference())
    return Prepared(
        executable,
        problem.arguments,
        jnp.zeros(shape, dtype),  # not `output`, which NumPy still looks at
        case=case,
        stages=Stages(
            trace_s=trace_s, lower_s=lower_s, compile_s=compile_s, first_call_s=first_call_s
        ),
        program=describe(executable),
        numerics_error=error,
    )


def disable_compilation_cache() -> None:
    """Makes JAX compile what it is asked to, whatever the environment's cache holds."""
    jax.config.update("jax_enable_compilation_cache", False)  # type: ignore[no-untyped-call]


def donating(function: Callable[..., jax.Array]) -> Any:
    """`function` jitted with a leading, unused, donated argument to put its output in.

    The jitted name is the same for every workload, so that it is no part of the program.
    """

    def timed(scratch: jax.Array, *arguments: Any) -> jax.Array:
        del scratch
        return function(*arguments)

    return jax.jit(timed, donate_argnums=(0,), keep_unused=True)


def _clocked(action: Callable[[], T]) -> tuple[T, float]:
    """The result of `action` and the seconds it took."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start
