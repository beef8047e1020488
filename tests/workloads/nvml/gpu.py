"""A GPU that says what it is told to say."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.need import need
from workloads.nvml import ORDER, VISIBLE

SOURCE = Path(__file__).with_name("fake.c")
NAME = "libnvidia-ml.so.1"

WELL = {
    "count": "2",
    "name": "Testing-GPU",
    "uuid": "GPU-1234",
    "uuid.1": "GPU-5678",
    "driver": "580.65.06",
    "cuda": "13000",
    "sm_mhz": "1900",
    "max_sm_mhz": "2000",
    "application_sm_mhz": "1980",
    "milliwatts": "350500",
    "celsius": "55",
    "millijoules": "1500",
    "ecc_errors": "0",
    "reasons": "0",
    "total_bytes": str(80 << 30),
    "used_bytes": str(1 << 29),
}


def compiled(folder: Path) -> Path:
    """The library, in `folder`, under the name that its users ask for."""
    need(shutil.which("cc"), "a C compiler: apt-get install gcc libc6-dev")
    library = folder / NAME
    command = ["cc", "-shared", "-fPIC", "-Wall", "-Werror", f"-Wl,-soname,{NAME}"]
    subprocess.run([*command, "-o", str(library), str(SOURCE)], check=True)
    return library


class FakeGpu:
    """What NVML says in this process, from now on."""

    def __init__(self, library: Path, answers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # One that is loaded is found by its name, wherever it lies.
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self._file = answers
        self._answers: dict[str, str] = {}
        self.says(**WELL)
        monkeypatch.setenv("FAKE_NVML", str(answers))
        for variable in (VISIBLE, ORDER):
            monkeypatch.setenv(variable, "")  # what a test makes of it goes with it
            monkeypatch.delenv(variable)

    def says(self, **answers: object) -> None:
        """Other answers than before; None: that is not supported."""
        changed = {name: str(answer) for name, answer in answers.items() if answer is not None}
        kept = {name: told for name, told in self._answers.items() if name not in answers}
        self._answers = kept | changed
        lines = (f"{name} {answer}\n" for name, answer in self._answers.items())
        self._file.write_text("".join(lines))
