"""Equal hardware has an equal fingerprint, other hardware another."""

import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.machine import Gpu, Machine, host_software, memory_bytes, this_machine
from tests.harness.history import MACHINE

GPU = Gpu(model="NVIDIA H100 80GB HBM3", memory_bytes=81559 << 20)


def test_the_fingerprint_is_always_the_same_for_the_same_hardware() -> None:
    # A literal: a change of the formula would split every machine's history in two.
    assert MACHINE.fingerprint == "93e341404b3266c2"
    assert replace(MACHINE, name="renamed").fingerprint == MACHINE.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"cpu_model": "Other CPU"},
        {"architecture": "aarch64"},
        {"sockets": 2},
        {"cores": 4},
        {"threads": 8},
        {"caches": ("L1 Data 48K",)},
        {"memory_gib": 32},
        {"gpus": (GPU,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_hardware_is_another_machine(change: dict[str, Any]) -> None:
    assert replace(MACHINE, **change).fingerprint != MACHINE.fingerprint


def test_this_machine_is_seen_as_it_is() -> None:
    machine = this_machine()
    assert machine == this_machine()
    assert machine.threads == os.cpu_count()
    assert 1 <= machine.sockets <= machine.cores <= machine.threads
    assert machine.cpu_model not in ("", "unknown")
    total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine.memory_gib == round(total_bytes / 2**30)


def test_memory_lines_are_found_by_name() -> None:
    assert 0 < memory_bytes("MemAvailable") <= memory_bytes()
    with pytest.raises(KeyError):
        memory_bytes("MemImaginary")


def with_nvidia_smi(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Machine:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return this_machine()


def test_gpus_are_what_nvidia_smi_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = "NVIDIA H100 80GB HBM3, 81559, 575.57.08"
    machine = with_nvidia_smi(monkeypatch, tmp_path, f"echo '{row}'; echo '{row}'")
    assert machine.gpus == (GPU, GPU)
    assert host_software() == {"kernel": platform.release(), "gpu_driver": "575.57.08"}


@pytest.mark.parametrize("script", ["exit 9", "true"])
def test_no_gpu_is_seen_where_the_driver_finds_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    machine = with_nvidia_smi(monkeypatch, tmp_path, script)
    assert (machine.gpus, host_software()["gpu_driver"]) == ((), None)


def test_a_gpu_that_shares_the_cpu_s_memory_has_none_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = with_nvidia_smi(monkeypatch, tmp_path, "echo 'NVIDIA GH200, [N/A], 575.57.08'")
    assert machine.gpus == (Gpu(model="NVIDIA GH200", memory_bytes=None),)
