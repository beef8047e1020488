"""Who else uses the GPUs, as nvidia-smi tells it."""

from pathlib import Path

import pytest

from harness.tenants import Tenant, tenants
from tests.harness.nvidia_smi import with_nvidia_smi


def test_each_is_named_with_what_it_uses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = ("GPU-1, 1234, /opt/a, b/python, 71852", "GPU-2, 7, Xorg, [N/A]")
    said = "; ".join(f"echo '{row}'" for row in rows)
    with_nvidia_smi(monkeypatch, tmp_path, tenants=said)
    first, second = tenants()
    assert first == Tenant(gpu="GPU-1", pid="1234", name="/opt/a, b/python", used_bytes=71852 << 20)
    assert str(first) == "/opt/a, b/python (process 1234) uses 70.2 GiB of GPU-1"
    assert str(second) == "Xorg (process 7) uses an unknown amount of GPU-2"


@pytest.mark.parametrize("script", ["exit 9", "true", "echo 'No running processes found'"])
def test_without_any_there_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    with_nvidia_smi(monkeypatch, tmp_path, tenants=script)
    assert tenants() == ()


def test_without_a_driver_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tenants() == ()
