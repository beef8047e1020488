"""What a process of its own takes: time, and memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import ROOT


@dataclass(frozen=True, kw_only=True)
class Done:
    """A process that has ended well. `took_s`: from before its start, all imports included."""

    took_s: float
    peak_bytes: int
    out: str


def done(*words: str, cwd: Path = ROOT) -> Done:
    """`python -m WORDS…`, which must end well."""
    env = {name: value for name, value in os.environ.items() if name != "JAXRIG_DB"}
    command = [sys.executable, "-m", "tests.benchmarks.memory", *words]
    start = time.perf_counter()
    ended = subprocess.run(
        command,
        cwd=cwd,
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - start
    assert ended.returncode == 0, ended.stderr
    return Done(took_s=took_s, peak_bytes=int(ended.stderr.split()[-1]), out=ended.stdout)
