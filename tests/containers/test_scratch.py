"""A launch that needs a disk gets one of its own, and leaves nothing on it."""

import json
from pathlib import Path
from typing import Any

import docker
import pytest

from containers.engine import Exit
from containers.errors import LaunchRefused
from containers.process_engine import ProcessEngine
from containers.spec import SCRATCH_VARIABLE, LaunchSpec
from tests.containers.running import SLEEP, WELL, Start, attributes, read_all
from workloads.storage import scratch

WRITE = f"""
import json, os
folder = os.environ[{SCRATCH_VARIABLE!r}]
there = os.listdir(folder)
with open(os.path.join(folder, "file"), "wb") as file:
    file.write(bytes(3_000_000))
    os.fsync(file.fileno())
kinds = [line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo")
         if line.split()[4] == folder]
print(json.dumps([folder, there, kinds]))
"""
COLD = f"""
import ctypes, mmap, os
path = os.path.join(os.environ[{SCRATCH_VARIABLE!r}], "file")
with open(path, "wb") as file:
    file.write(bytes(1 << 20))
    os.fsync(file.fileno())
descriptor = os.open(path, os.O_RDWR)
def pages():
    libc, found = ctypes.CDLL(None, use_errno=True), (ctypes.c_ubyte * 256)()
    with mmap.mmap(descriptor, 1 << 20) as mapped:
        first = ctypes.c_char.from_buffer(mapped)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(first)), 1 << 20, found)
        del first
    return os.strerror(ctypes.get_errno()) if failed else sum(page & 1 for page in found)
before = pages()
os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
print(before, pages())
"""
NAMES = f"import os; print(os.environ.get({SCRATCH_VARIABLE!r}))"


def volumes(client: docker.DockerClient) -> set[str]:
    return {str(volume.id) for volume in client.volumes.list()}


def start_process(program: str, **fields: Any) -> Any:
    return ProcessEngine(Path("/")).start(LaunchSpec(command=("-c", program), **fields))


def test_host_and_launch_call_it_by_the_same_name() -> None:
    assert scratch.VARIABLE == SCRATCH_VARIABLE


def test_a_container_writes_to_a_volume_that_goes_with_it(
    engine: docker.DockerClient, start: Start
) -> None:
    with start(WRITE, scratch=True) as running:
        folder, there, kinds = json.loads(read_all(running))
        assert running.wait(10) == WELL, running.log()
        [mount] = attributes(engine, running)["Mounts"]
        assert mount["Name"] in volumes(engine)
    assert (folder, there) == ("/scratch", [])
    assert kinds != []
    assert "tmpfs" not in kinds
    assert mount["Name"] not in volumes(engine)


def test_the_cache_of_that_volume_can_be_dropped_and_looked_into(start: Start) -> None:
    """As `workloads.storage.page_cache` does, without NumPy."""
    with start(COLD, scratch=True) as running:
        assert read_all(running) == b"256 0\n"


def test_a_container_that_is_killed_leaves_no_volume(
    engine: docker.DockerClient, start: Start
) -> None:
    with start(SLEEP, scratch=True) as running:
        [mount] = attributes(engine, running)["Mounts"]
    assert mount["Name"] not in volumes(engine)


def test_a_container_is_given_no_disk_that_it_does_not_need(
    engine: docker.DockerClient, start: Start
) -> None:
    refused = "open('/scratch/file', 'w')"
    with start(f"{NAMES}\n{refused}") as running:
        assert read_all(running) == b"None\n"
        assert running.wait(10) == Exit(code=1, out_of_memory=False)
        assert "Read-only file system" in running.log()
        assert attributes(engine, running)["Mounts"] == []


def test_a_process_writes_to_a_directory_that_goes_with_it() -> None:
    with start_process(WRITE, scratch=True) as running:
        folder, there, _ = json.loads(read_all(running))
        assert running.wait(10) == WELL, running.log()
        assert (Path(folder) / "file").stat().st_size == 3_000_000
    assert there == []
    assert not Path(folder).exists()


def test_a_process_that_is_killed_leaves_no_directory(tmp_path: Path) -> None:
    with start_process(
        f"{NAMES}\n{SLEEP}", scratch=True, env={SCRATCH_VARIABLE: str(tmp_path)}
    ) as running:
        assert running.read(20) is not None
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_given_no_disk_that_it_does_not_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(SCRATCH_VARIABLE, raising=False)
    with start_process(NAMES) as running:
        assert read_all(running) == b"None\n"


def test_a_directory_that_is_not_there_is_refused_with_the_way_out(tmp_path: Path) -> None:
    where = {SCRATCH_VARIABLE: str(tmp_path / "nowhere")}
    with pytest.raises(LaunchRefused, match=SCRATCH_VARIABLE):
        start_process(NAMES, scratch=True, env=where)


def test_a_program_that_cannot_start_leaves_no_directory(tmp_path: Path) -> None:
    spec = LaunchSpec(command=(), scratch=True, env={SCRATCH_VARIABLE: str(tmp_path)})
    with pytest.raises(LaunchRefused, match="cannot start"):
        ProcessEngine(Path("/"), python="/nowhere/python").start(spec)
    assert list(tmp_path.iterdir()) == []
