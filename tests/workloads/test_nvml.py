"""What is read of a GPU, from NVIDIA's own bindings to a library that has none."""

import sys

import pytest

from tests.workloads.nvml.gpu import FakeGpu
from workloads.nvml import (
    BY_BUS,
    ORDER,
    VISIBLE,
    Glance,
    Reading,
    Unread,
    gpus,
    need_known,
    order_by_bus,
    reasons,
)


def test_everything_is_read_in_base_units(gpu: FakeGpu) -> None:
    found, _ = gpus()
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
    found, _ = gpus()
    assert (found.max_sm_clock_hz, found.application_sm_clock_hz) == (None, None)
    assert found.glance() == Glance(sm_clock_hz=None, throttle_reasons=None)
    read = found.read()
    assert {read.power_w, read.temperature_c, read.ecc_errors, read.energy_j} == {None}


def test_it_is_read_anew_each_time(gpu: FakeGpu) -> None:
    found, _ = gpus()
    gpu.says(sm_mhz=210, reasons=0x1, millijoules=2500)
    assert found.glance() == Glance(sm_clock_hz=2.1e8, throttle_reasons=("gpu_idle",))
    assert found.read().energy_j == 2.5


def test_reasons_have_names() -> None:
    assert reasons(0) == ()
    assert reasons(0x4 | 0x40) == ("sw_power_cap", "hw_thermal_slowdown")
    assert reasons(1 << 20) == ("bit_20",)


def uuids(monkeypatch: pytest.MonkeyPatch, visible: str) -> list[str | None]:
    monkeypatch.setenv(VISIBLE, visible)
    return [each.uuid for each in gpus()]


@pytest.mark.parametrize(
    ("visible", "shown"),
    [
        ("0", "0"),
        ("1,0", "10"),
        (" 1 ", "1"),
        ("GPU-5678", "1"),
        ("GPU-56,GPU-1234", "10"),
        ("1,7,0", "1"),
        ("1,-1,0", "1"),
        ("0,GPU-9", "0"),
    ],
)
def test_gpus_are_those_that_cuda_shows_in_its_order(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, visible: str, shown: str
) -> None:
    known = "GPU-1234", "GPU-5678"
    assert uuids(monkeypatch, visible) == [known[int(each)] for each in shown]


def test_all_are_shown_where_nobody_says_which(gpu: FakeGpu) -> None:
    assert [each.uuid for each in gpus()] == ["GPU-1234", "GPU-5678"]
    assert gpus() is gpus()


def test_a_part_of_a_gpu_goes_by_its_uuid(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu.says(**{"uuid.1": "MIG-5678"})
    assert uuids(monkeypatch, "MIG-5678") == ["MIG-5678"]


@pytest.mark.parametrize("visible", ["", "-1", "2", "GPU-9", "MIG-9", ",0"])
def test_where_none_is_shown_that_is_said(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    with pytest.raises(Unread, match="NVML"):
        uuids(monkeypatch, visible)


def test_the_order_of_unlike_gpus_is_known_where_it_is_that_of_the_bus(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu.says(**{"name.1": "Another-GPU"})
    with pytest.raises(Unread, match=f"{ORDER} is {BY_BUS}"):
        gpus()
    order_by_bus()
    assert [each.name for each in gpus()] == ["Testing-GPU", "Another-GPU"]
    monkeypatch.setenv(ORDER, "FASTEST_FIRST")
    order_by_bus()  # somebody has said how
    with pytest.raises(Unread, match="several kinds"):
        gpus()


def test_a_gpu_beyond_those_known_is_said(gpu: FakeGpu) -> None:
    need_known([0, 1])
    with pytest.raises(Unread, match="GPU 2, counted from 0, and NVML shows 2"):
        need_known([0, 2])


def test_a_library_without_its_driver_is_said(gpu: FakeGpu) -> None:
    gpu.says(init=9)
    with pytest.raises(Unread, match="Driver Not Loaded"):
        gpus()


def test_bindings_that_are_not_installed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unread, match="nvidia-ml-py"):
        gpus()
