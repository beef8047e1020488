"""An nvidia-smi that says what it is told to say."""

import os
from pathlib import Path

import pytest


def with_nvidia_smi(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, gpus: str = "exit 9", tenants: str = "exit 9"
) -> None:
    """Puts it before any other. `gpus`, `tenants`: what a shell does where these are asked for."""
    program = folder / "nvidia-smi"
    cases = f"--query-gpu=*) {gpus};;\n--query-compute-apps=*) {tenants};;\n*) exit 9;;"
    program.write_text(f"#!/bin/sh\ncase $1 in\n{cases}\nesac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
