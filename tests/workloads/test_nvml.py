"""What is read of a GPU, from NVIDIA's own bindings to a library that has none."""

import sys

import pytest

from tests.workloads.nvml.gpu import FakeGpu
from workloads.nvml import Glance, Gpu, Reading, Unread, reasons


def test_everything_is_read_in_base_units(gpu: FakeGpu) -> None:
    found = Gpu()
    assert (found.name, found.uuid) == ("Testing-GPU", "GPU-1234")
    assert (found.max_sm_clock_hz, found.application_sm_clock_hz) == (2e9, 1.98e9)
    assert found.read() == Reading(
        sm_clock_hz=1.9e9,
        throttle_reasons=(),
        power_w=350.5,
        temperature_c=55.0,
        ecc_errors=0,
        energy_j=1.5,
    )


def test_what_a_gpu_does_not_tell_is_none(gpu: FakeGpu) -> None:
    untold = ("sm_mhz", "reasons", "milliwatts", "celsius", "ecc_errors", "millijoules")
    gpu.says(**dict.fromkeys(untold))
    gpu.says(max_sm_mhz=None, application_sm_mhz=None)
    found = Gpu()
    assert (found.max_sm_clock_hz, found.application_sm_clock_hz) == (None, None)
    assert found.glance() == Glance(sm_clock_hz=None, throttle_reasons=None)
    read = found.read()
    assert {read.power_w, read.temperature_c, read.ecc_errors, read.energy_j} == {None}


def test_it_is_read_anew_each_time(gpu: FakeGpu) -> None:
    found = Gpu()
    gpu.says(sm_mhz=210, reasons=0x1, millijoules=2500)
    assert found.glance() == Glance(sm_clock_hz=2.1e8, throttle_reasons=("gpu_idle",))
    assert found.read().energy_j == 2.5


def test_reasons_have_names() -> None:
    assert reasons(0) == ()
    assert reasons(0x4 | 0x40) == ("sw_power_cap", "hw_thermal_slowdown")
    assert reasons(1 << 20) == ("bit_20",)


@pytest.mark.parametrize("visible", ["", "0", "1,0", "GPU-1234", "GPU-1234,GPU-5"])
def test_the_gpu_is_the_first_that_cuda_is_shown(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert Gpu().name == "Testing-GPU"


@pytest.mark.parametrize("visible", ["2", "GPU-9"])
def test_one_that_is_not_there_is_said(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(Unread, match="NVML"):
        Gpu()


def test_a_library_without_its_driver_is_said(gpu: FakeGpu) -> None:
    gpu.says(init=9)
    with pytest.raises(Unread, match="Driver Not Loaded"):
        Gpu()


def test_bindings_that_are_not_installed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unread, match="nvidia-ml-py"):
        Gpu()
