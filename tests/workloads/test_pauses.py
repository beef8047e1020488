"""A case whose GPU was slowed too often is measured once more, after a pause."""

import io
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from harness.runner import asked
from tests.workloads.conftest import Small
from tests.workloads.nvml.gpu import FakeGpu
from workloads import throttling
from workloads.measure import Benchmark, Policy, measure
from workloads.pauses import CASE_LIMIT, Pauses
from workloads.turns import Taken

HOT, CAPPED = 0x40, 0x4
ROUNDS = 4
BRIEF = Policy(round_s=1e-4, budget_s=1e-3, min_rounds=ROUNDS, max_rounds=ROUNDS)


@pytest.fixture(autouse=True)
def on_cuda(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "started_platform", lambda: "cuda")
    monkeypatch.delenv(CASE_LIMIT, raising=False)


class Cooling:
    """A pause that the GPU gets well by, or not."""

    def __init__(self, gpu: FakeGpu, **answers: Any) -> None:
        self.slept_s: list[float] = []
        self._gpu, self._answers = gpu, answers

    def __call__(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self._gpu.says(**self._answers)


def test_it_is_measured_once_more(small: Small, benchmark: Benchmark, gpu: FakeGpu) -> None:
    gpu.says(reasons=HOT)
    cooling = Cooling(gpu, reasons=0)
    record = measure(small("matmul"), benchmark, BRIEF, pauses=Pauses(sleep=cooling))
    assert cooling.slept_s == [5.0]
    assert record["gpu"]["marked"] == ()
    assert len(record["gpu"]["set_aside_s"]) == len(record["samples_s"]) == ROUNDS
    assert record["gpu"]["set_aside_s"] != record["samples_s"]
    assert benchmark.stats.stats.data == record["samples_s"]
    said = "measured again after a pause: the GPU was slowed in 4 of 4 rounds before"
    assert said in record["warnings"]


def test_one_hot_gpu_of_several_is_enough(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [SimpleNamespace(local_hardware_id=number) for number in range(2)]
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    watch = throttling.watch(2)
    assert watch is not None
    gpu.says(**{"reasons.1": HOT})
    watched = watch.end(1)
    assert Pauses().would_help(watched, 1.0, 1.0)
    assert throttling.again(watched).endswith("pause: a GPU was slowed in 1 of 1 rounds before")


def test_it_is_not_measured_a_third_time(small: Small, benchmark: Benchmark, gpu: FakeGpu) -> None:
    gpu.says(sm_mhz=100)
    cooling = Cooling(gpu)
    record = measure(small("matmul"), benchmark, BRIEF, pauses=Pauses(sleep=cooling))
    assert len(cooling.slept_s) == 1
    assert record["gpu"]["marked"] == tuple(range(ROUNDS))
    assert sum("GPU was slowed" in each for each in record["warnings"]) == 2


@pytest.mark.parametrize(
    ("answers", "limit_s", "pauses_left"),
    [
        ({"reasons": 0}, None, 1),  # nothing was slowed
        ({"reasons": CAPPED}, None, 1),  # a pause changes nothing about the work
        ({"reasons": CAPPED, "sm_mhz": 100}, None, 1),
        ({"reasons": HOT}, 5.0, 1),  # the pause alone would take that long
        ({"reasons": HOT}, None, 0),
    ],
)
def test_a_pause_that_would_not_help_is_not_taken(
    small: Small,
    benchmark: Benchmark,
    gpu: FakeGpu,
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, int],
    limit_s: float | None,
    pauses_left: int,
) -> None:
    gpu.says(**answers)
    if limit_s is not None:
        monkeypatch.setenv(CASE_LIMIT, str(limit_s))
    cooling = Cooling(gpu)
    pauses = Pauses(sleep=cooling, left=pauses_left)
    record = measure(small("matmul"), benchmark, BRIEF, pauses=pauses)
    assert (cooling.slept_s, record["gpu"]["set_aside_s"]) == ([], [])


def test_pauses_are_few(gpu: FakeGpu) -> None:
    cooling = Cooling(gpu)
    pauses = Pauses(sleep=cooling, left=2)
    watch = throttling.watch()
    assert watch is not None
    gpu.says(reasons=HOT)
    watched = watch.end(1)
    for _ in range(5):
        if pauses.would_help(watched, 1.0, 1.0):
            pauses.take()
    assert len(cooling.slept_s) == 2


def test_a_limit_that_leaves_time_is_none(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = throttling.watch()
    assert watch is not None
    gpu.says(reasons=HOT)
    watched = watch.end(1)
    monkeypatch.setenv(CASE_LIMIT, "20")
    assert Pauses().would_help(watched, 2.0, 10.9)  # 10.9 + 5 + 2 × 2
    assert not Pauses().would_help(watched, 2.0, 11.0)


def test_in_turns_nobody_waits_for_a_gpu(small: Small, benchmark: Benchmark, gpu: FakeGpu) -> None:
    gpu.says(reasons=HOT)
    cooling = Cooling(gpu)
    case = small("matmul")
    turns = Taken({case.id: ROUNDS}, lambda _: None, io.StringIO("go\n" * 20))
    record = measure(case, benchmark, BRIEF, turns, Pauses(sleep=cooling))
    assert (cooling.slept_s, record["gpu"]["set_aside_s"]) == ([], [])
    assert record["gpu"]["marked"] == tuple(range(ROUNDS))


def test_both_sides_call_the_limit_by_one_name() -> None:
    assert asked.CASE_LIMIT == CASE_LIMIT
