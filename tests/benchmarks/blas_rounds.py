"""Runs in a container: one matrix product by JAX and by NumPy, in turns; FLOP/s of the medians."""

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from workloads.case import Case
from workloads.catalog import CASES
from workloads.matmul import build
from workloads.prepare import compile_
from workloads.problem import Problem

ROUNDS = 15
GRID = [case for case in CASES if case.workload == "matmul" and case.dtype == "f32"]
SMALL = [
    case
    for case in GRID
    if case.cost.flops < 2e10 and not case.parameters.keys() & {"batch", "passes"}
]
"""One product each: of two matrices, and no chain of them."""


def seconds(call: Callable[[], object]) -> float:
    """Of one call; a few of them where one is short."""
    calls, start = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed > 0.02:
            return elapsed / calls


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.id)
def test_product(case: Case) -> None:
    problem = build(case)
    assert isinstance(problem, Problem)
    prepared = compile_(case, problem)
    a, b = (np.array(each) for each in problem.arguments)
    out = np.empty((len(a), b.shape[1]), dtype=a.dtype)
    calls: dict[str, Callable[[], object]] = {
        "jax": prepared.call,
        "numpy": lambda: np.matmul(a, b, out=out),
    }
    samples: dict[str, list[float]] = {side: [] for side in calls}
    for turn in range(ROUNDS + 1):
        for side in sorted(calls, reverse=turn % 2 == 1):  # ABBA
            samples[side].append(seconds(calls[side]))
    speed = {
        side: case.cost.flops / statistics.median(times[1:]) for side, times in samples.items()
    }
    print(f"RESULT {json.dumps({'case': case.id, **speed})}")
    assert np.allclose(np.asarray(prepared.carry), out, rtol=1e-3, atol=1e-2)
