"""Runs in a container: times one compiled call by the policy and by a bare loop, in turns."""

import json
import statistics
import time

import pytest

from workloads.builders import build
from workloads.catalog import find
from workloads.measure import Benchmark, Policy, take_rounds
from workloads.prepare import Compiled, compile_
from workloads.problem import Problem

CASES = (
    "matmul/256/f32",
    "matmul/1x4096x4096/f32",
    "activation/relu/64MiB/f32",
    "dense/1/forward/f32",
    "transformer/nano/forward/f32",
)
POLICY = Policy(budget_s=4.0, min_rounds=101, max_rounds=401)


def bare_round(prepared: Compiled) -> float:
    """Seconds per call of a loop that does nothing but call, wait and read the clock."""
    executable, arguments, scratch = prepared.executable, prepared.arguments, prepared.carry
    samples: list[float] = []
    stop = time.perf_counter() + POLICY.round_s
    while not samples or time.perf_counter() < stop:
        start = time.perf_counter()
        scratch = executable(scratch, *arguments)
        scratch.block_until_ready()
        samples.append(time.perf_counter() - start)
    prepared.carry = scratch
    return statistics.fmean(samples)


@pytest.mark.parametrize("case", CASES)
def test_ratio(case: str, benchmark: Benchmark) -> None:
    chosen = find(case)
    problem = build(chosen)
    assert isinstance(problem, Problem)
    prepared = compile_(chosen, problem)
    bare: list[float] = []
    timing = take_rounds(
        prepared, benchmark, POLICY, before_round=lambda: bare.append(bare_round(prepared))
    )
    rounds = len(timing.samples_s)
    ratio = statistics.median(timing.samples_s) / statistics.median(bare[-rounds:])
    result = {"case": case, "ratio": ratio, "rounds": rounds}
    print(f"RESULT {json.dumps(result)}")
    assert rounds >= POLICY.min_rounds
