"""What a launch may not do, and what bounds it: looked at from inside a real container."""

import io
import json
import socket
import time
import uuid
from typing import Any

import docker
import pytest

from containers import owner
from containers.docker_engine import DEADLINE_LABEL, OWNER_LABEL, DockerEngine
from containers.engine import Exit
from containers.spec import MIB, LaunchSpec, Limits
from tests.containers.running import SLEEP, WELL, Start, attributes, read_all

PROBE = """
import json, os, socket, sys
status = dict(
    line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines()
)
def refused(action):
    try:
        action()
    except OSError as error:
        return error.strerror
    return None
def connect(host, port):
    socket.create_connection((host, port), timeout=1)
def abstract():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\\0jaxrig-test-" + os.environ["PORT"])
def write(path):
    return lambda: open(path, "w").close()
print(json.dumps({
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "capabilities": [int(status[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapBnd")],
    "no_new_privileges": status["NoNewPrivs"],
    "seccomp": status["Seccomp"],
    "interfaces": os.listdir("/sys/class/net"),
    "cpus": sorted(os.sched_getaffinity(0)),
    "root": refused(write("/probe")),
    "home": refused(write(os.path.expanduser("~root/probe"))),
    "packages": refused(write(os.path.join(os.path.dirname(os.__file__), "probe"))),
    "tmp": refused(write("/tmp/probe")),
    "tmp_bytes": os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize,
    "shm_bytes": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
    "connect": refused(lambda: connect("192.0.2.1", 80)),
    "loopback": refused(lambda: connect("127.0.0.1", int(os.environ["PORT"]))),
    "abstract": refused(abstract),
    "root_again": refused(lambda: os.setuid(0)),
    "namespace": refused(lambda: os.unshare(os.CLONE_NEWUSER)),
    "writable": [
        folder for folder, folders, _ in os.walk("/")
        if not folder.startswith("/proc/") and os.access(folder, os.W_OK)
    ],
    "mounts": sorted({line.split()[4] for line in open("/proc/self/mountinfo")}),
    "home_folder": os.environ["HOME"],
    "x": os.environ["X"],
    "words": sys.argv[1:],
    "engine": os.path.exists("/var/run/docker.sock"),
}))
"""


@pytest.fixture(scope="module")
def inside(engine: docker.DockerClient, image: str) -> Any:
    """What a launch sees of itself."""
    limits = Limits(
        cpus="0", memory_bytes=512 * MIB, pids=20, tmp_bytes=8 * MIB, shm_bytes=12 * MIB
    )
    command = ("-c", PROBE, "a word", "; $(id)")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as other:
        port = str(server.getsockname()[1])
        other.bind(f"\0jaxrig-test-{port}")
        other.listen()
        env = {"X": "a 'b' $c", "PORT": port}
        spec = LaunchSpec(command=command, image=image, env=env, limits=limits)
        with DockerEngine(engine).start(spec) as running:
            text = read_all(running)
            assert running.wait(10) == WELL, running.log()
    return json.loads(text)


def test_inside_nobody_has_any_privilege(inside: Any) -> None:
    assert inside["ids"] == [65534, 65534, [65534]]
    assert inside["capabilities"] == [0, 0, 0, 0]
    assert inside["no_new_privileges"] == "1"
    assert inside["seccomp"] == "2"  # a filter: proc_pid_status(5)
    assert inside["root_again"] == "Operation not permitted"


def test_inside_no_other_user_can_be_played(inside: Any, podman: bool) -> None:
    """Podman's filter allows a namespace of one's own, in which one is root over nothing."""
    assert inside["namespace"] == (None if podman else "Operation not permitted")


def test_inside_there_is_nothing_of_the_host_s_files(inside: Any, podman: bool) -> None:
    assert inside["engine"] is False
    own = {"/", "/tmp", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    own |= {"/run", "/run/.containerenv", "/var/tmp"} if podman else set()
    kernels = ("/dev", "/proc", "/sys")
    assert [
        each for each in inside["mounts"] if each not in own and not each.startswith(kernels)
    ] == []


def test_inside_nothing_can_be_written_but_tmp(inside: Any) -> None:
    assert [inside[key] for key in ("root", "packages")] == ["Read-only file system"] * 2
    assert inside["home"] in ("Read-only file system", "Permission denied")
    assert inside["tmp"] is None
    assert set(inside["writable"]) - {"/dev/mqueue"} == {"/tmp", "/dev/shm"}
    assert (inside["tmp_bytes"], inside["shm_bytes"]) == (8 * MIB, 12 * MIB)
    assert inside["home_folder"] == "/tmp"


def test_inside_there_is_no_network(inside: Any) -> None:
    assert inside["interfaces"] == ["lo"]
    assert inside["connect"] == "Network is unreachable"
    assert inside["loopback"] == inside["abstract"] == "Connection refused"  # the host listens


def test_inside_only_the_given_cpus_are_seen(inside: Any) -> None:
    assert inside["cpus"] == [0]


def test_words_and_variables_arrive_as_they_are(inside: Any) -> None:
    assert inside["words"] == ["a word", "; $(id)"]
    assert inside["x"] == "a 'b' $c"


def test_the_engine_was_asked_for_all_of_it(
    engine: docker.DockerClient, start: Start, podman: bool
) -> None:
    limits = Limits(cpus="0", memory_bytes=256 * MIB, pids=20)
    labels = {"jaxrig.run": "r", "jaxrig.launch": "0"}
    before = time.time()
    with start(SLEEP, limits=limits, labels=labels, deadline_s=100.0) as running:
        found = attributes(engine, running)
    host = found["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (256 * MIB, 256 * MIB)  # no swap
    assert host["PidsLimit"] == 20
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"] or (podman and "CHOWN" in host["CapDrop"])  # one by one
    assert host["LogConfig"]["Type"] == "none"
    assert host["Binds"] in (None, [])
    assert found["Mounts"] == []
    found_labels = found["Config"]["Labels"]
    assert labels.items() <= found_labels.items()
    assert found_labels[OWNER_LABEL] == owner.this_process()
    assert before + 100 <= int(found_labels[DEADLINE_LABEL]) <= time.time() + 1000


def test_too_many_processes_are_refused_inside(start: Start) -> None:
    program = """
import os, sys, time
for number in range(50):
    try:
        if os.fork() == 0:
            time.sleep(60)
    except BlockingIOError:
        print(number, flush=True)
        os._exit(0)
"""
    with start(program, limits=Limits(pids=10)) as running:
        assert 0 < int(running.read(30) or 0) < 10


def test_too_much_memory_ends_it_and_is_told_from_another_death(start: Start) -> None:
    hog = "b = bytearray(300_000_000)\nfor i in range(0, len(b), 4096): b[i] = 1"
    with start(hog, limits=Limits(memory_bytes=64 * MIB)) as running:
        assert read_all(running) == b""
        assert running.wait(10) == Exit(code=137, out_of_memory=True)
    suicide = "import os; os.abort()"
    with start(suicide, limits=Limits(memory_bytes=64 * MIB)) as running:
        assert read_all(running) == b""
        exit_ = running.wait(10)
    assert exit_.code != 0
    assert not exit_.out_of_memory


def test_the_tmp_folder_has_its_bound(start: Start) -> None:
    program = "open('/tmp/x', 'wb').write(bytes(3_000_000))"
    with start(program, limits=Limits(tmp_bytes=2 * MIB)) as running:
        assert read_all(running) == b""
        assert running.wait(10).code == 1
        assert "No space left on device" in running.log()


def test_what_an_image_calls_a_volume_has_the_same_bound(
    engine: docker.DockerClient, image: str
) -> None:
    """And is no volume: that would be as large as the engine's disk, and stay."""
    dockerfile = f"FROM {image}\nVOLUME /data\n".encode()
    tag = f"jaxrig-test/volume:{uuid.uuid4().hex}"
    engine.images.build(fileobj=io.BytesIO(dockerfile), tag=tag, rm=True, forcerm=True)
    program = "open('/data/x', 'wb').write(bytes(3_000_000))"
    spec = LaunchSpec(command=("-c", program), image=tag, limits=Limits(tmp_bytes=2 * MIB))
    try:
        with DockerEngine(engine).start(spec) as running:
            assert read_all(running) == b""
            assert running.wait(10).code == 1
            assert "No space left on device" in running.log()
            assert attributes(engine, running)["Mounts"] == []
    finally:
        engine.images.remove(tag)
