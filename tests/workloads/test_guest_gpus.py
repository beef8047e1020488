"""The GPUs of a suite of one's own: watched in a real launch, to a library that has none."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness import records
from tests.checkout import ROOT
from tests.workloads.nvml.gpu import FakeGpu
from workloads import guest_gpus
from workloads.guest_gpus import APART_S, APART_SHARE, GuestGpus, Looks, Watching, used
from workloads.guest_plugin import OF_GPU
from workloads.nvml import gpus
from workloads.throttling import Watch

TESTS = """
import os, time
from itertools import count
from pathlib import Path

import pytest

told = Path(os.environ["FAKE_NVML"])
well = told.read_text()

@pytest.fixture(autouse=True)
def afterwards_all_is_well():
    yield
    told.write_text(well)

def hot_in(*rounds, gpu=0):
    rounds_of, number = set(rounds), count()
    def computed():
        answer = f"reasons.{gpu} 64\\nsm_mhz.{gpu} 900\\n" if next(number) in rounds_of else ""
        told.write_text(answer + well)
        time.sleep(0.006)
    return computed

def test_without_jax(benchmark): benchmark.pedantic(hot_in(0), rounds=2)

def test_pedantic(benchmark):
    import jax; jax.devices()
    benchmark.pedantic(hot_in(0, 2, 3), rounds=4, warmup_rounds=1)

def test_other(benchmark):
    import jax; jax.devices()
    benchmark.pedantic(hot_in(1, gpu=1), rounds=2)

def test_called(benchmark):
    import jax; jax.devices()
    benchmark._max_time = 0.05
    benchmark(sum, [1, 2])

def test_hot(benchmark):
    import jax; jax.devices()
    benchmark._min_rounds, benchmark._max_time = 5, 0.01
    assert benchmark(hot_in(*range(8))) is None

def test_wrong(benchmark):
    benchmark.pedantic(hot_in(0), rounds=2)
    raise AssertionError
"""


def case(name: str) -> str:
    return f"test_a.py::test_{name}"


def launch(nvml: Path, folder: Path, *names: str, stdin: str | None = None) -> list[records.Record]:
    """What it says. `stdin`: in turns."""
    (folder / "test_a.py").write_text(TESTS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.workloads.nvml.on_cuda", "--root", str(folder)),
            *(() if stdin is None else ("--turns",)),
            *(f"--case={case(name)}" for name in names),
        ],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "LD_LIBRARY_PATH": str(nvml.parent)},
        input=stdin or "",
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return [records.parse(line.encode()) for line in done.stdout.splitlines()]


def measured(said: list[records.Record]) -> dict[str, records.Benchmark]:
    return {each.case: each for each in said if isinstance(each, records.Benchmark)}


def watched(found: records.Benchmark) -> records.GpuWatched:
    assert found.gpu is not None
    return found.gpu


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "suite"
    found.mkdir()
    return found


def test_rounds_of_tests_are_watched_and_marked(gpu: FakeGpu, nvml: Path, folder: Path) -> None:
    found = measured(launch(nvml, folder, "without_jax", "pedantic", "called", "hot", "wrong"))
    pedantic = found[case("pedantic")]
    seen = watched(pedantic)
    assert (seen.name, seen.uuid, seen.others) == ("Testing-GPU", "GPU-1234", [])
    assert seen.sm_clocks_hz == [1.9e9, 9e8, 9e8, 1.9e9]
    assert (seen.marked, seen.looked_at, seen.set_aside_s) == ([1, 2], None, [])
    assert seen.throttle_reasons == ["hw_thermal_slowdown"]
    (said,) = (each for each in pedantic.warnings if "GPU" in each)
    assert said == "the GPU was slowed in 2 of 4 rounds (hw_thermal_slowdown, down to 900 MHz)"
    called = found[case("called")]
    looked_at = watched(called).looked_at
    assert looked_at is not None
    assert looked_at[0] == 0
    assert 2 <= len(looked_at) < len(called.samples_s) / 20
    assert not any("GPU" in each for each in called.warnings)
    assert found[case("without_jax")].gpu is None
    assert case("wrong") not in found
    hot = found[case("hot")]
    assert (watched(hot).marked, len(watched(hot).set_aside_s)) == ([], 5)
    assert watched(hot).set_aside_s != hot.samples_s
    (said,) = (each for each in hot.warnings if "GPU" in each)
    assert said == "measured again after a pause: the GPU was slowed in 5 of 5 rounds before"


def test_in_turns_each_of_several_gpus_that_jax_may_use_is_watched(
    gpu: FakeGpu, nvml: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    said = launch(nvml, folder, "other", "hot", stdin="go\n" * 4)
    found, hot = measured(said).values()
    first = watched(found)
    (second,) = first.others
    assert (first.uuid, second.uuid) == ("GPU-5678", "GPU-1234")
    assert (found.in_turns, first.marked, second.marked) == (True, [1], [])
    (warning,) = (each for each in found.warnings if "GPU" in each)
    assert warning.startswith("Testing-GPU GPU-5678 was slowed in 1 of 2 rounds")
    assert (watched(hot).set_aside_s, watched(hot).others[0].marked) == ([], [0, 1, 2, 3, 4])


def test_gpus_that_cannot_be_asked_are_said(gpu: FakeGpu) -> None:
    gpu.says(init=9)
    item = SimpleNamespace(funcargs={"benchmark": object()}, stash=pytest.Stash())
    test = GuestGpus(None).pytest_runtest_call(cast("pytest.Item", item))
    next(test)
    (said,) = item.stash[OF_GPU].warnings
    assert said == "clocks and throttling of the GPU unknown: NVML: Driver Not Loaded"


def test_one_that_nvml_does_not_know_is_no_other_s(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_gpus, "allocations", lambda: {2: None})
    told = Watching(SimpleNamespace(_add_stats=None, _raw=None), None, 0.0).told()
    assert told.record is None
    (said,) = told.warnings
    assert "JAX runs on GPU 2, counted from 0, and NVML shows 2" in said


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ({}, {0: 3}, [0]),
        ({0: 3, 1: 2, 2: 0}, {0: 3, 1: 5, 2: 1}, [1, 2]),
        ({0: 3, 1: 0}, {0: 3, 1: 0}, [0]),
        ({0: None, 1: None}, {0: None, 1: None}, [0, 1]),
        ({}, {}, []),
    ],
)
def test_gpus_that_jax_took_memory_of_were_used(
    before: dict[int, int | None], after: dict[int, int | None], places: list[int]
) -> None:
    assert used(before, after) == places


def looks_of(round_s: float, rounds: int) -> list[int]:
    """Rounds that were looked at, of so many of that length."""
    times = iter(number * round_s for number in range(1, rounds + 1))
    looks = Looks(watch=Watch(gpus=gpus()[:1]), clock=lambda: next(times))
    for _ in range(rounds):
        looks.round_ended()
    return looks.rounds


def test_a_look_is_taken_after_every_round_that_lasts(gpu: FakeGpu) -> None:
    assert looks_of(1.1 * APART_S, 50) == list(range(50))


def test_however_many_rounds_there_are_looks_are_few(gpu: FakeGpu) -> None:
    assert looks_of(1e-3, 20) == [0, 5, 10, 15]
    day = looks_of(1.0, 86_400)
    assert day[:200] == list(range(200))
    assert len(day) < 2000
    assert day[-1] - day[-2] == pytest.approx(APART_SHARE * day[-2], abs=1)
