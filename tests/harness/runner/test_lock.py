"""The lock of a machine, between real processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import EnvironmentFailure
from harness.runner import lock
from harness.runner.lock import machine_lock

HOLDER = """
import sys, time
from pathlib import Path
from harness.runner import lock
lock.FOLDERS = (Path(sys.argv[1]),)
with lock.machine_lock("test"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "FOLDERS", (tmp_path / "none", tmp_path))
    return tmp_path


def test_one_process_holds_it_and_gives_it_up_when_it_is_killed(folder: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentFailure, match="another jaxrig test is at work"):
            machine_lock("test").__enter__()
        with machine_lock("other"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with machine_lock("test"), pytest.raises(EnvironmentFailure), machine_lock("test"):
        raise AssertionError("held twice")
    with machine_lock("test"):
        pass


def test_a_link_in_its_place_is_not_followed(folder: Path) -> None:
    (folder / "jaxrig-test.lock").symlink_to(folder / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), machine_lock("test"):
        raise AssertionError("followed")
    assert not (folder / "elsewhere").exists()
