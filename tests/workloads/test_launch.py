"""Launches as processes of their own: what comes out of which descriptor, and how they end."""

import signal
import subprocess
import sys
import time

import pytest

from harness import records
from workloads.catalog import CASES

SABOTAGE = """
import os, sys
from dataclasses import replace
import jax, jax.numpy as jnp
from workloads import builders, launch

def noisy(case, build=builders.BUILDERS["matmul"]):
    print("printed by Python")
    os.write(1, b"printed by C\\n")
    os.system("echo printed by a child")
    return build(case)

def wrong(case, build=builders.BUILDERS["dense"]):
    return replace(build(case), function=lambda x, w, b: jax.nn.sigmoid(x @ w.T))

def greedy(case, build=builders.BUILDERS["activation"]):
    return replace(build(case), function=lambda x: jnp.zeros((2**45,)) + x[0, 0])

def raising(case):
    raise ValueError("no such head")

builders.BUILDERS.update(matmul=noisy, dense=wrong, activation=greedy, transformer=raising)
sys.exit(launch.main(sys.argv[1:]))
"""


def launch(*arguments: str, program: str | None = None) -> subprocess.CompletedProcess[bytes]:
    start = ["-m", "workloads.launch"] if program is None else ["-c", program]
    return subprocess.run([sys.executable, *start, *arguments], capture_output=True, check=False)


@pytest.fixture(scope="module")
def sabotaged() -> subprocess.CompletedProcess[bytes]:
    return launch(
        "--case=matmul/256/f32",
        "--case=activation/relu/64MiB/f32",
        "--case=dense/1/forward/f32",
        "--case=transformer/nano/forward/f32",
        program=SABOTAGE,
    )


def parsed(done: subprocess.CompletedProcess[bytes]) -> list[records.Record]:
    return [records.parse(line) for line in done.stdout.splitlines()]


def test_stdout_carries_records_and_nothing_else() -> None:
    done = launch("--case=matmul/256/f32", "--case=matmul/256/bf16")
    assert [record.kind for record in parsed(done)] == [
        "environment",
        "case_started",
        "measurement",
        "case_started",
        "measurement",
        "finished",
    ]
    assert done.returncode == 0
    assert b"2 passed" in done.stderr


def test_what_a_case_prints_goes_to_stderr(sabotaged: subprocess.CompletedProcess[bytes]) -> None:
    for printer in (b"Python", b"C", b"a child"):
        assert b"printed by " + printer not in sabotaged.stdout
        assert b"printed by " + printer in sabotaged.stderr


def test_each_failure_has_its_kind_and_the_rest_is_measured(
    sabotaged: subprocess.CompletedProcess[bytes],
) -> None:
    found = parsed(sabotaged)
    kinds = {r.case: r.failure for r in found if isinstance(r, records.Failure)}
    assert kinds == {
        "activation/relu/64MiB/f32": "out_of_memory",
        "dense/1/forward/f32": "wrong_numbers",
        "transformer/nano/forward/f32": "raised",
    }
    assert [r.case for r in found if isinstance(r, records.Measurement)] == ["matmul/256/f32"]
    assert found[-1] == records.Finished(schema=2, kind="finished", cases=1)
    assert sabotaged.returncode == 4


def test_a_failure_says_where(sabotaged: subprocess.CompletedProcess[bytes]) -> None:
    messages = [r.message for r in parsed(sabotaged) if isinstance(r, records.Failure)]
    assert any(m.startswith("ValueError: no such head\n") and "in raising" in m for m in messages)


def test_an_unknown_case_is_a_usage_error() -> None:
    done = launch("--case=matmul/3/f32")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"unknown case 'matmul/3/f32'" in done.stderr


def test_no_case_is_a_usage_error() -> None:
    done = launch()
    assert done.returncode == 2
    assert done.stdout == b""


def test_sigterm_ends_a_launch_at_once_and_keeps_what_was_sent() -> None:
    command = [sys.executable, "-m", "workloads.launch", "--case=matmul/2048/bf16"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        first, second = running.stdout.readline(), running.stdout.readline()
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        assert running.wait(timeout=5) == 128 + signal.SIGTERM
        assert time.monotonic() - sent < 1.0
    assert isinstance(records.parse(first), records.Environment)
    assert isinstance(records.parse(second), records.CaseStarted)


def test_without_any_device_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    first = parsed(launch("--case=matmul/256/f32"))[0]
    assert isinstance(first, records.Environment)
    assert (first.platform, first.device_count) == ("none", 0)
    assert first.device_kinds[0].startswith("JAX_PLATFORMS=cuda: ")


def test_what_cases_there_are_is_told_at_once() -> None:
    """By the catalogue alone: JAX is not even imported."""
    program = (
        "import sys; from workloads import launch; code = launch.main(sys.argv[1:]); "
        "assert 'jax' not in sys.modules; sys.exit(code)"
    )
    done = launch("--known", program=program)
    assert (done.returncode, done.stderr) == (0, b"")
    (found,) = parsed(done)
    assert isinstance(found, records.Known)
    assert found.cases == {case.id: case.definition for case in CASES}
    assert launch("--known", "--case=matmul/256/f32").returncode == 2
    assert launch().returncode == 2


def test_a_launch_that_is_profiled_times_nothing() -> None:
    done = launch("--profile", "--case=matmul/256/f32", "--case=dense/1/forward/f32")
    kinds = ["environment", *("case_started", "profile") * 2, "finished"]
    assert [record.kind for record in parsed(done)] == kinds
    assert done.returncode == 0


def test_turns_are_not_profiled() -> None:
    done = launch("--profile", "--turns=5", "--case=matmul/256/f32")
    assert done.returncode == 2
    assert b"not allowed with argument" in done.stderr
