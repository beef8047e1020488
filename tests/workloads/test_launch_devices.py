"""Devices forced on CPU: before JAX is loaded, beside what the user's flags say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import records
from workloads import launch
from workloads.nvml import ORDER

CASE = "collective/all-reduce/1MiB-x2/f32"
PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"
OWN = "--xla_cpu_enable_fast_math=false"


def run(*arguments: str) -> list[records.Record]:
    command = [sys.executable, "-m", "workloads.launch", *arguments]
    done = subprocess.run(command, capture_output=True, check=True)
    return [records.parse(line) for line in done.stdout.splitlines()]


def test_a_launch_has_the_devices_that_it_is_told_and_measures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("XLA_FLAGS", OWN)
    found = run("--devices", "2", f"--case={CASE}")
    environment, measured = found[0], found[2]
    assert isinstance(environment, records.Environment)
    assert environment.device_count == 2
    assert environment.variables["XLA_FLAGS"].startswith(f"{OWN} ")
    assert isinstance(measured, records.Measurement)
    assert measured.observations["topology_only"] == 1
    assert any("no real link" in each for each in measured.warnings)


def test_without_them_the_case_is_skipped_with_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    skipped = run(f"--case={CASE}")[2]
    assert isinstance(skipped, records.Skipped)
    assert skipped.reason == "needs 2 devices; there are 1"


@pytest.mark.parametrize(
    ("wanted", "device_files", "cpu"),
    [
        ("cpu", True, True),
        ("cpu,cuda", True, True),
        ("cuda,cpu", False, False),
        ("", True, False),
        ("", False, True),
    ],
)
def test_the_cpu_is_told_before_jax_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: str, device_files: bool, cpu: bool
) -> None:
    (tmp_path / "nvidiactl").touch()
    there = tmp_path / ("nvidiactl" if device_files else "nothing")
    monkeypatch.setattr(launch, "_ACCELERATORS", (there,))
    monkeypatch.setenv("JAX_PLATFORMS", wanted)
    assert launch.on_cpu() is cpu


def test_the_user_s_flags_are_kept_and_ours_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = "--xla_force_host_platform_device_count=3"
    monkeypatch.setenv("XLA_FLAGS", OWN)
    launch.force_devices(3)
    assert os.environ["XLA_FLAGS"] == f"{OWN} {ours}"
    monkeypatch.delenv("XLA_FLAGS")
    launch.force_devices(3)
    assert os.environ["XLA_FLAGS"] == ours


@pytest.mark.parametrize(
    ("there", "own", "order"),
    [
        ("nvidiactl", None, "PCI_BUS_ID"),
        ("nvidiactl", "FASTEST_FIRST", "FASTEST_FIRST"),
        ("nothing", None, None),
    ],
)
def test_gpus_are_counted_as_their_driver_counts_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: str, own: str | None, order: str | None
) -> None:
    (tmp_path / "nvidiactl").touch()
    asked = noted(monkeypatch, ORDER)
    monkeypatch.setattr(launch, "_ACCELERATORS", (tmp_path / there,))
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv(ORDER, own or "")
    if own is None:
        monkeypatch.delenv(ORDER)
    launch.main(["--case", "matmul/256/f32"])
    assert asked == [order]


def noted(monkeypatch: pytest.MonkeyPatch, variable: str) -> list[str | None]:
    """Grows by what the variable is, as each launch of this process would begin to measure."""
    values: list[str | None] = []

    def measure_all(*_: object, **__: object) -> int:
        values.append(os.environ.get(variable))
        return 0

    monkeypatch.setattr(launch, "take_stdout", lambda: 1)
    monkeypatch.setattr(launch, "end_at_once_on", lambda _: None)
    monkeypatch.setattr(launch, "measure_all", measure_all)
    return values


def test_a_case_that_is_alone_leaves_the_device_s_memory_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = noted(monkeypatch, PREALLOCATE)
    monkeypatch.setenv(PREALLOCATE, "true")
    launch.main(["--case", "matmul/256/f32"])
    launch.main(["--case", "memory/capacity/nano-batch/f32"])
    assert asked == ["true", "false"]
