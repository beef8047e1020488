import os
import time
from pathlib import Path

import pytest

from tests.benchmarks.verdicts.noise import noise

WANTED_S = 0.5
PATIENCE_S = 60.0


def cpu_s(pid: int) -> float:
    """What a process has used (proc_pid_stat(5): utime, in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def test_it_loads_a_core_while_it_is_on_and_is_gone_afterwards() -> None:
    with noise() as pid:
        assert pid is not None
        end = time.monotonic() + PATIENCE_S
        while cpu_s(pid) < WANTED_S:
            assert time.monotonic() < end, "it does not load anything"
            time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_where_it_is_off_nothing_runs() -> None:
    with noise(False) as pid:
        assert pid is None
