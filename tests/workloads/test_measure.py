import gc
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from harness import records
from tests.workloads.conftest import Small
from workloads.builders import BUILDERS, build
from workloads.measure import (
    POLICY,
    Benchmark,
    Policy,
    calls_per_round,
    garbage_held,
    measure,
    measurement,
    take_rounds,
)
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.stream import Stream

BRIEF = Policy(round_s=0.002, budget_s=0.02, min_rounds=5, max_rounds=9)


class Untimed:
    """A benchmark that must not come to time anything."""

    def __init__(self, *, disabled: bool) -> None:
        self.disabled = disabled
        self.extra_info: dict[str, Any] = {}
        self.stats: Any = None

    def pedantic(self, target: Callable[..., Any], **_: Any) -> None:
        raise AssertionError(f"{target} was timed")


@pytest.mark.parametrize("workload", list(BUILDERS))
def test_the_record_is_what_the_host_accepts(
    small: Small, benchmark: Benchmark, tmp_path: Path, workload: str
) -> None:
    case = small(workload)
    if jax.device_count() < case.devices:
        pytest.skip("needs a process with forced devices: see test_collective.py")
    with (tmp_path / "records").open("wb") as file:
        Stream(file.fileno()).send(measure(case, benchmark, BRIEF))
    record = records.parse((tmp_path / "records").read_bytes())
    assert isinstance(record, records.Measurement)
    assert record.case == case.id
    assert record.parameters == case.parameters
    assert 5 <= len(record.samples_s) <= 9
    assert record.alias_bytes == record.output_bytes
    assert record.numerics_error <= record.numerics_tolerance
    # These are small on purpose, and temporary files may lie in memory; nothing else may be
    # remarkable.
    expected = ("cost of dispatch", "not a disk", "nothing was moved")
    assert [each for each in record.warnings if not any(e in each for e in expected)] == []


def test_samples_are_seconds_per_call(small: Small, benchmark: Benchmark) -> None:
    # Rounds so long that even a machine in a slow moment fits several calls into one.
    record = measure(small("matmul"), benchmark, replace(BRIEF, round_s=0.05))
    calls = record["calls_per_round"]
    assert calls > 1
    in_rounds_s = sum(record["samples_s"]) * calls  # all but the warm-up and pytest-benchmark
    assert 0.3 * record["timed_s"] < in_rounds_s < record["timed_s"]


def test_pytest_benchmark_holds_the_same_samples_and_the_facts(
    small: Small, benchmark: Benchmark
) -> None:
    record = measure(small("matmul"), benchmark, BRIEF)
    assert benchmark.stats.stats.data == record["samples_s"]
    assert benchmark.stats.iterations == record["calls_per_round"]
    assert benchmark.extra_info["hlo_sha256"] == record["hlo_sha256"]


def test_rounds_fault_no_pages_in(small: Small, benchmark: Benchmark) -> None:
    """A fresh 4 MiB output a call would fault 1024 pages in each time."""
    case = small("activation", rows=1024, columns=1024)
    record = measure(case, benchmark, BRIEF)
    calls = len(record["samples_s"]) * record["calls_per_round"]
    assert record["minor_faults"] < 100 * calls


def test_wrong_numbers_are_not_timed(small: Small) -> None:
    case = replace(small("matmul", "bf16"), tolerance=1e-6)
    with pytest.raises(WrongNumbers):
        measure(case, Untimed(disabled=False), BRIEF)


def test_a_disabled_benchmark_is_an_error(small: Small) -> None:
    with pytest.raises(RuntimeError, match="disabled"):
        measure(small("matmul"), Untimed(disabled=True))


def test_what_cannot_be_read_is_none_and_warned_about(small: Small, benchmark: Benchmark) -> None:
    case = small("matmul")
    prepared = prepare(case, build(case))
    timing = take_rounds(prepared, benchmark, BRIEF)
    unread = replace(timing, peak_rss_bytes=None, noise=replace(timing.noise, steal_s=None))
    record = measurement(prepared, unread)
    assert record["peak_rss_bytes"] is None
    assert record["steal_s"] is None
    assert sum("unknown" in each for each in record["warnings"]) == 2


@pytest.mark.parametrize(
    ("round_s", "rounds"), [(0.005, POLICY.max_rounds), (0.02, 10), (1.0, POLICY.min_rounds)]
)
def test_rounds_fill_the_budget_within_bounds(round_s: float, rounds: int) -> None:
    assert POLICY.rounds(round_s) == rounds


def test_calls_make_a_round_long_enough_in_spite_of_a_hiccup() -> None:
    state = SimpleNamespace(first=True)

    def run(calls: int) -> None:
        time.sleep(0.02 if state.first else 0.001 * calls)
        state.first = False

    calls, call_s = calls_per_round(run, 0.005)
    assert 3 <= calls <= 8
    assert call_s == pytest.approx(0.001, rel=0.5)


def test_one_long_call_is_a_round() -> None:
    tried = []

    def run(calls: int) -> None:
        tried.append(calls)
        time.sleep(0.02)

    assert calls_per_round(run, 0.001)[0] == 1
    assert tried == [1]


def test_the_garbage_collector_is_still_and_then_as_before() -> None:
    with garbage_held():
        assert not gc.isenabled()
    assert gc.isenabled()
