"""Launches as plain processes, with real ones."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from containers.engine import Exit
from containers.errors import LaunchRefused
from containers.process_engine import ProcessEngine, RunningProcess
from containers.spec import LaunchSpec, Limits

WELL = Exit(code=0, out_of_memory=False)


def start(
    program: str, *, env: dict[str, str] | None = None, cpus: str | None = None
) -> RunningProcess:
    spec = LaunchSpec(command=("-c", program), env=env or {}, limits=Limits(cpus=cpus))
    return ProcessEngine(Path("/")).start(spec)


def read_all(running: RunningProcess) -> bytes:
    text = b""
    while chunk := running.read(20):
        text += chunk
    return text


def is_alive(pid: int) -> bool:
    """False for a zombie, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends_soon(pid: int) -> bool:
    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_alive(pid)


def test_both_streams_and_the_exit_code_are_handed_on() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with start(program) as running:
        assert read_all(running) == b"out\n"
        assert running.wait(10) == Exit(code=3, out_of_memory=False)
        assert running.log() == "err\n"
        assert int(running.name) > 0


@contextmanager
def stdin_of_ours(folder: Path) -> Iterator[None]:
    """Something to read on this process's own stdin, which no launch may get."""
    (folder / "ours").write_text("ours")
    before = os.dup(0)
    with (folder / "ours").open() as ours:
        os.dup2(ours.fileno(), 0)
    yield
    os.dup2(before, 0)
    os.close(before)


def test_what_is_measured_does_not_learn_the_database_s_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("JAXRIG_DB", "PGPASSWORD", "PGPASSFILE", "OTHER"):
        monkeypatch.setenv(name, "secret")
    program = "import os; print([name for name in os.environ if os.environ[name] == 'secret'])"
    with start(program) as running:
        assert read_all(running) == b"['OTHER']\n"


def test_a_launch_has_its_environment_its_folder_and_no_stdin(tmp_path: Path) -> None:
    program = "import os, sys; print(os.environ['X'], os.getcwd(), repr(sys.stdin.read()))"
    spec = LaunchSpec(command=("-c", program), env={"X": "y"})
    with stdin_of_ours(tmp_path), ProcessEngine(tmp_path).start(spec) as running:
        assert read_all(running) == f"y {tmp_path} ''\n".encode()


def test_much_output_waits_for_its_reader_in_bounded_memory() -> None:
    """100 MB: read late, arrive whole; the process has to wait in the meantime."""
    program = "import sys\nfor _ in range(100): sys.stdout.buffer.write(b'x' * 1_000_000)"
    with start(program) as running:
        time.sleep(0.3)
        assert is_alive(int(running.name))
        resident = Path("/proc/self/statm").read_text
        before, most, total = int(resident().split()[1]), 0, 0
        while chunk := running.read(20):
            total += len(chunk)
            most = max(most, int(resident().split()[1]))
        assert total == 100_000_000
        assert (most - before) * os.sysconf("SC_PAGE_SIZE") < 30_000_000
        assert running.wait(10) == WELL


def test_much_stderr_keeps_its_end_and_never_blocks() -> None:
    program = "import sys\nfor i in range(200_000): print('line', i, file=sys.stderr)"
    with start(program) as running:
        assert read_all(running) == b""
        assert running.wait(10) == WELL
        assert len(running.log()) == 256 << 10
        assert running.log().endswith("line 199999\n")


def test_silence_is_told_from_the_end() -> None:
    with start("import time; time.sleep(60)") as running:
        assert running.read(0.1) is None


FAMILY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
"""


@pytest.mark.parametrize("after", ["child.wait()", "pass"], ids=["parent lives", "parent ended"])
def test_killing_ends_what_it_started_too(after: str) -> None:
    with start(FAMILY + after) as running:
        grandchild = int(running.read(20) or 0)
        assert is_alive(grandchild)
        if after == "pass":
            assert running.wait(10) == WELL
    assert ends_soon(grandchild)
    assert ends_soon(int(running.name))


def test_killing_twice_is_safe() -> None:
    running = start("import time; time.sleep(60)")
    running.kill()
    running.kill()
    assert running.wait(1) == Exit(code=-signal.SIGKILL, out_of_memory=False)


def test_a_launch_that_does_not_end_in_time_is_ended() -> None:
    with start("import time; time.sleep(60)") as running:
        before = time.monotonic()
        assert running.wait(0.1) == Exit(code=-signal.SIGKILL, out_of_memory=False)
        assert time.monotonic() - before < 5


def test_a_kill_by_the_kernel_is_taken_for_a_lack_of_memory() -> None:
    with start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") as running:
        assert read_all(running) == b""
        assert running.wait(10) == Exit(code=-signal.SIGKILL, out_of_memory=True)


def test_a_launch_runs_on_the_cpus_it_was_given() -> None:
    cpu = max(os.sched_getaffinity(0))
    # It is pinned just after its start: where that is not at once, it waits.
    program = """
import os, time
until = time.monotonic() + 5
while len(os.sched_getaffinity(0)) > 1 and time.monotonic() < until:
    time.sleep(0.01)
print(os.sched_getaffinity(0))
"""
    with start(program, cpus=str(cpu)) as running:
        assert read_all(running) == f"{{{cpu}}}\n".encode()


@pytest.mark.parametrize("cpus", ["4095", "nonsense"])
def test_cpus_that_are_not_there_are_refused(cpus: str) -> None:
    with pytest.raises(LaunchRefused, match=f"cannot run on CPUs '{cpus}'"):
        start("import time; time.sleep(60)", cpus=cpus)


@pytest.mark.parametrize(
    ("gpus", "env", "seen"),
    [
        (True, {}, "None None"),
        (("1", "GPU-1a2b"), {}, "PCI_BUS_ID 1,GPU-1a2b"),
        (("1",), {"CUDA_VISIBLE_DEVICES": "3"}, "PCI_BUS_ID 3"),
    ],
)
def test_a_launch_sees_the_gpus_that_were_chosen(
    monkeypatch: pytest.MonkeyPatch, gpus: bool | tuple[str, ...], env: dict[str, str], seen: str
) -> None:
    names = ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    program = f"import os; print(*map(os.environ.get, {names}))"
    spec = LaunchSpec(command=("-c", program), env=env, gpus=gpus)
    with ProcessEngine(Path("/")).start(spec) as running:
        assert read_all(running).decode() == f"{seen}\n"


def test_of_amd_s_gpus_rocm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    program = f"import os; print(*map(os.environ.get, {names}))"
    spec = LaunchSpec(command=("-c", program), platform="rocm", gpus=("0", "2"))
    with ProcessEngine(Path("/")).start(spec) as running:
        assert read_all(running).decode() == "None 0,2\n"


def test_a_python_that_is_not_there_is_refused(tmp_path: Path) -> None:
    engine = ProcessEngine(tmp_path, python=str(tmp_path / "python"))
    with pytest.raises(LaunchRefused, match="cannot start"):
        engine.start(LaunchSpec(command=("-c", "")))


def test_there_is_nothing_to_sweep() -> None:
    assert ProcessEngine(Path("/"), python=sys.executable).sweep() == 0
