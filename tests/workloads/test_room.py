"""What cannot run here is said before anything of it is made."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.workloads.conftest import Small
from workloads import room
from workloads.room import Unsuitable, check, host_bytes


def test_what_fits_is_let_through(small: Small) -> None:
    check(small("matmul"))
    check(replace(small("matmul"), platforms=("cpu", "cuda", "tpu", "rocm")))


def test_too_little_memory_is_said_with_both_figures(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "host_bytes", lambda: 1 << 30)
    check(replace(small("matmul"), memory_bytes=1 << 30))
    with pytest.raises(Unsuitable, match=r"may need 1\.50 GiB of host memory; there are 1\.00 GiB"):
        check(replace(small("matmul"), memory_bytes=3 << 29))


def test_the_device_s_memory_counts_too(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "device_bytes", lambda: 1 << 20)
    with pytest.raises(Unsuitable, match="of device memory"):
        check(small("matmul"))


def test_another_platform_and_too_few_devices_are_said(small: Small) -> None:
    with pytest.raises(Unsuitable, match=r"needs platform tpu or rocm; this is \w+"):
        check(replace(small("matmul"), platforms=("tpu", "rocm")))
    with pytest.raises(Unsuitable, match="needs 4096 devices; there are "):
        check(replace(small("matmul"), devices=4096))


@pytest.mark.parametrize(
    ("limit", "expected"), [("1048576\n", 1 << 20), ("max\n", 2 << 30), ("9" * 19, 2 << 30)]
)
def test_the_least_of_limit_and_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int
) -> None:
    (tmp_path / "max").write_text(limit)
    (tmp_path / "meminfo").write_text("MemFree: 1 kB\nMemTotal:  2097152 kB\n")
    monkeypatch.setattr(room, "_LIMITS", (tmp_path / "max", tmp_path / "none"))
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    assert host_bytes() == expected


def test_where_nothing_is_told_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_LIMITS", (tmp_path / "none",))
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "none")
    assert host_bytes() is None
