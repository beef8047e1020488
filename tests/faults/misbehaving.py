"""Takes the place of workloads/test_cases.py in an image: some of its cases misbehave.

Runs inside the container only. It writes to the record stream as a hostile or broken workload
would, and fails in every way in which a case can.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workloads import measure as policy
from workloads.builders import build
from workloads.case import Case
from workloads.measure import Benchmark, measure
from workloads.problem import Problem
from workloads.recorder import RECORD, Recorder


def raises() -> None:
    raise RuntimeError("boom")


def hangs() -> None:
    while True:
        pass


def exits() -> None:
    os._exit(3)


def hogs_memory() -> None:
    hog = [np.ones(1 << 27) for _ in range(64)]
    raise AssertionError(f"{len(hog)} GiB fitted")


def prints() -> None:
    print("hello from a case")
    os.write(1, b"and from its C++\n")


def write(request: pytest.FixtureRequest, data: bytes) -> None:
    """Puts `data` on the record stream itself."""
    recorder = next(
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if isinstance(plugin, Recorder)
    )
    descriptor: int = recorder._send.__self__._descriptor  # type: ignore[attr-defined]
    while data:
        data = data[os.write(descriptor, data) :]


ACTIONS: dict[str, Callable[[], None]] = {
    "dense/128/forward/f32": raises,
    "dense/1/forward/f32": hangs,
    "matmul/1024/f32": exits,
    "matmul/1024/bf16": hogs_memory,
    "matmul/2048/f32": prints,
}
LINES = {
    "matmul/256/f32": b"this is no record\n",
    "matmul/256/bf16": b"x" * 100_000_000 + b"\n",
    "matmul/512/f32": b'{"schema":1,"kind":"failure","case":"matmul/2048/f32",'
    b'"failure":"raised","message":"forged"}\n',
}
SAMPLES = {"matmul/512/bf16": float("nan"), "matmul/1x4096x4096/f32": -1.0}


def test_case(
    case: Case,
    benchmark: Benchmark,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if case.id in ACTIONS:
        ACTIONS[case.id]()
    if case.id in LINES:
        write(request, LINES[case.id])
    if case.id == "activation/relu/64MiB/f32":
        problem = build(case)
        assert isinstance(problem, Problem)
        wrong = replace(problem, function=lambda x: 1.01 * x)
        monkeypatch.setattr(policy, "build", lambda _: wrong)
    record: dict[str, Any] = measure(case, benchmark)
    if case.id in SAMPLES:
        record["samples_s"][0] = SAMPLES[case.id]
        write(request, json.dumps(record).encode() + b"\n")
    else:
        request.node.stash[RECORD] = record
