"""Which rounds are marked, and what is kept of the GPU beside them."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from harness import records
from tests.workloads.conftest import Small
from tests.workloads.nvml.gpu import FakeGpu
from workloads import throttling
from workloads.builders import build
from workloads.measure import Benchmark, Policy, measure, measurement, take_rounds
from workloads.nvml import Glance, Unread, gpus
from workloads.prepare import prepare
from workloads.throttling import Watch, is_slowed

ROUNDS = 4
BRIEF = Policy(round_s=1e-4, budget_s=1e-3, min_rounds=ROUNDS, max_rounds=ROUNDS)


def record_of(
    small: Small,
    benchmark: Benchmark,
    gpu: FakeGpu,
    *answers: dict[str, Any],
    count: int = 1,
) -> dict[str, Any]:
    """Of a case during whose rounds, the warm-up first, the GPU says one after another of these.
    `count`: of GPUs that are looked at."""
    case = small("matmul")
    prepared = prepare(case, build(case))
    coming = iter(answers)
    timing = take_rounds(
        prepared, benchmark, BRIEF, lambda: gpu.says(**next(coming)), Watch(gpus=gpus()[:count])
    )
    return measurement(prepared, timing)


@pytest.mark.parametrize(
    ("clock_hz", "why", "slowed"),
    [
        (1.5e9, (), False),
        (1.49e9, (), True),
        (1.49e9, ("gpu_idle",), True),
        (1.0e9, ("applications_clocks_setting",), False),
        (2.0e9, ("gpu_idle",), False),
        (2.0e9, ("sw_power_cap",), True),
        (1.0e9, ("applications_clocks_setting", "hw_thermal_slowdown"), True),
        (None, None, False),
        (None, ("hw_slowdown",), True),
    ],
)
def test_a_low_clock_and_what_holds_it_back_count(
    clock_hz: float | None, why: tuple[str, ...] | None, slowed: bool
) -> None:
    glance = Glance(sm_clock_hz=clock_hz, throttle_reasons=why)
    assert is_slowed(glance, 2e9) is slowed


def test_without_a_highest_clock_only_reasons_count() -> None:
    assert not is_slowed(Glance(sm_clock_hz=1.0, throttle_reasons=()), None)


def test_slowed_rounds_are_marked_and_said(
    small: Small, benchmark: Benchmark, gpu: FakeGpu
) -> None:
    well = {"sm_mhz": 1900, "reasons": 0}
    record = record_of(
        small,
        benchmark,
        gpu,
        {"sm_mhz": 100},  # of the warm-up, which is no sample
        well,
        {"sm_mhz": 1200},
        well,
        {"reasons": 0x4, "millijoules": 9500},
    )
    kept = record["gpu"]
    assert isinstance(records.parse(json.dumps(record).encode()), records.Measurement)
    assert kept["sm_clocks_hz"] == (1.9e9, 1.2e9, 1.9e9, 1.9e9)
    assert kept["marked"] == (1, 3)
    assert kept["set_aside_s"] == []
    assert kept["throttle_reasons"] == ("sw_power_cap",)
    assert (kept["before"]["energy_j"], kept["after"]["energy_j"]) == (1.5, 9.5)
    (said,) = (each for each in record["warnings"] if "GPU" in each)
    assert said == "the GPU was slowed in 2 of 4 rounds (sw_power_cap, down to 1200 MHz)"


def test_of_several_gpus_each_is_kept_and_a_mark_on_any_of_them_counts(
    small: Small, benchmark: Benchmark, gpu: FakeGpu
) -> None:
    record = record_of(
        small,
        benchmark,
        gpu,
        {},
        {"sm_mhz.1": 1200},
        {"sm_mhz.1": 1900, "reasons.0": 0x40},
        {"reasons.1": 0x4},
        {"reasons.0": 0, "reasons.1": 0},
        count=2,
    )
    parsed = records.parse(json.dumps(record).encode())
    assert isinstance(parsed, records.Measurement)
    first = parsed.gpu
    assert first is not None
    (second,) = first.others
    assert (first.uuid, second.uuid) == ("GPU-1234", "GPU-5678")
    assert (first.marked, second.marked) == ([1, 2], [0, 2])
    assert (first.throttle_reasons, second.throttle_reasons) == (
        ["hw_thermal_slowdown"],
        ["sw_power_cap"],
    )
    assert second.sm_clocks_hz == [1.2e9, 1.9e9, 1.9e9, 1.9e9]
    assert [each for each in record["warnings"] if "slowed" in each] == [
        "Testing-GPU GPU-1234 was slowed in 2 of 4 rounds (hw_thermal_slowdown, down to 1900 MHz)",
        "Testing-GPU GPU-5678 was slowed in 2 of 4 rounds (sw_power_cap, down to 1200 MHz)",
    ]


def test_a_gpu_that_is_well_is_kept_and_not_remarked_on(
    small: Small, benchmark: Benchmark, gpu: FakeGpu
) -> None:
    record = record_of(small, benchmark, gpu, *[{}] * (ROUNDS + 1))
    assert (record["gpu"]["marked"], record["gpu"]["name"]) == ((), "Testing-GPU")
    assert not any("GPU" in each for each in record["warnings"])


def test_on_a_cpu_nothing_is_watched(small: Small, benchmark: Benchmark, gpu: FakeGpu) -> None:
    record = measure(small("matmul"), benchmark, BRIEF)
    assert record["gpu"] is None
    assert not any("GPU" in each for each in record["warnings"])


def test_on_a_gpu_every_case_is_watched(
    small: Small, benchmark: Benchmark, gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "started_platform", lambda: "cuda")
    record = measure(small("matmul"), benchmark, BRIEF)
    assert len(record["gpu"]["sm_clocks_hz"]) == ROUNDS


class Devices:
    """As JAX has them: `numbers` are CUDA's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
        found = [SimpleNamespace(local_hardware_id=number) for number in numbers]
        monkeypatch.setattr(throttling, "started_platform", lambda: "cuda")
        monkeypatch.setattr(jax, "local_devices", lambda: found)


@pytest.mark.parametrize(("devices", "uuids"), [(1, ["GPU-5678"]), (2, ["GPU-5678", "GPU-1234"])])
def test_those_that_a_case_runs_on_are_watched(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, devices: int, uuids: list[str]
) -> None:
    Devices(monkeypatch, 1, 0)
    watch = throttling.watch(devices)
    assert watch is not None
    assert [seen.uuid for seen in watch.end(1).gpus] == uuids


def test_as_many_are_watched_as_the_case_runs_on(
    small: Small, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(throttling, "watch", asked.append)
    monkeypatch.setattr(jax, "device_count", lambda: 3)
    measure(replace(small("matmul"), devices=3), benchmark, BRIEF)
    assert asked == [3]


def test_one_that_nvml_does_not_know_is_no_other_s(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    Devices(monkeypatch, 0, 2)
    with pytest.raises(Unread, match="GPU 2"):
        throttling.watch(2)


def test_a_gpu_that_cannot_be_asked_is_measured_all_the_same(
    small: Small, benchmark: Benchmark, gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "started_platform", lambda: "cuda")
    gpu.says(init=9)
    record = measure(small("matmul"), benchmark, BRIEF)
    assert record["gpu"] is None
    assert any("unknown: NVML: Driver Not Loaded" in each for each in record["warnings"])
