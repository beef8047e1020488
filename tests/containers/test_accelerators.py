"""AMD's GPUs and TPUs: their device files in real containers, and what is said of those not there.

A test's own device files are other devices under these names: /dev/zero for what is read, which
needs the same of an engine, of groups and of a launch.
"""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from containers.accelerators import Accelerator, accelerator, chosen, missing
from containers.docker_engine import DockerEngine
from containers.errors import LaunchRefused
from containers.spec import LaunchSpec
from tests.containers.running import WELL, attributes, read_all
from tests.nodes import ZERO, Nodes

NAMES = ("kfd", "dri/renderD128", "dri/renderD129", "dri/card0", "vfio/vfio", "vfio/0", "accel0")

PROBE = f"""
import json, os, resource
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
def refused(path):
    try:
        with open(path, "r+b", buffering=0) as file:
            return file.read(3).hex()
    except OSError as error:
        return error.strerror
def made():
    try:
        os.mknod("/tmp/kfd", {stat.S_IFCHR | 0o600}, {ZERO})
    except OSError as error:
        return error.strerror
print(json.dumps({{
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "read": {{name: refused("/dev/" + name) for name in {NAMES}}},
    "locked": resource.getrlimit(resource.RLIMIT_MEMLOCK),
    "capabilities": [int(status[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapBnd")],
    "bounds": [status["NoNewPrivs"], status["Seccomp"]],
    "made": made(),
    "visible": os.environ.get("ROCR_VISIBLE_DEVICES"),
}}))
"""


@pytest.fixture
def node(tmp_path: Path) -> Nodes:
    return Nodes(tmp_path / "dev")


def probed(client: docker.DockerClient, image: str, dev: Path, **spec: Any) -> dict[str, Any]:
    """What a launch finds that is given devices of `dev`."""
    asked = LaunchSpec(command=("-c", PROBE), image=image, **spec)
    with DockerEngine(client, dev).start(asked) as running:
        said = read_all(running)
        assert running.wait(10) == WELL, running.log()
    found: dict[str, Any] = json.loads(said)
    return found


def opened(found: dict[str, Any]) -> set[str]:
    return {name for name, read in found["read"].items() if read == "000000"}


def is_hardened(found: dict[str, Any]) -> bool:
    told = {name: found[name] for name in ("capabilities", "bounds", "made")}
    nothing = {
        "capabilities": [0, 0, 0, 0],
        "bounds": ["1", "2"],
        "made": "Operation not permitted",
    }
    return told == nothing and bool(found["ids"][:2] == [65534, 65534])


def test_a_launch_opens_amd_s_gpus_by_their_groups_and_is_as_hardened(
    engine: docker.DockerClient, image: str, node: Nodes
) -> None:
    for name, group in {"kfd": 4242, "dri/renderD128": 4243, "dri/renderD129": 4242}.items():
        node(name, group=group)
    node("dri/card0")  # draws
    found = probed(engine, image, node.dev, platform="rocm", gpus=("0", "2"))
    assert opened(found) == {"kfd", "dri/renderD128", "dri/renderD129"}
    assert found["read"]["dri/card0"] == "No such file or directory"
    assert set(found["ids"][2]) - {65534} == {4242, 4243}
    assert found["visible"] == "0,2"
    assert found["locked"] != [-1, -1]
    assert is_hardened(found)


def may_lift_limits() -> bool:
    """Whether root may lock as much memory here as it likes: so may then what an engine starts."""
    program = "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (-1, -1))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("names", [("accel0",), ("vfio/vfio", "vfio/0")])
def test_a_launch_opens_a_tpu_and_may_lock_memory(
    engine: docker.DockerClient, image: str, node: Nodes, names: tuple[str, ...]
) -> None:
    for name in names:
        node(name, mode=0o666, group=0)
    if not may_lift_limits():
        with pytest.raises(LaunchRefused, match="LimitMEMLOCK=infinity"):
            probed(engine, image, node.dev, platform="tpu")
        return
    found = probed(engine, image, node.dev, platform="tpu")
    assert opened(found) == set(names)
    assert set(found["ids"][2]) <= {65534}
    assert found["locked"] == [-1, -1]
    assert is_hardened(found)


def test_an_engine_is_asked_for_a_tpu_s_files_and_for_memory_to_lock(
    engine: docker.DockerClient,
    image: str,
    node: Nodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may not be allowed to give that: it says so at the start, and takes the order before."""
    for name in ("vfio/vfio", "vfio/0"):
        node(name, group=7)
    monkeypatch.setattr(Container, "start", lambda _: None)
    spec = LaunchSpec(command=("-c", ""), image=image, platform="tpu")
    with DockerEngine(engine, node.dev).start(spec) as running:
        asked = attributes(engine, running)["HostConfig"]
    devices = {each["PathInContainer"]: each["CgroupPermissions"] for each in asked["Devices"]}
    assert devices == {"/dev/vfio/vfio": "rw", "/dev/vfio/0": "rw"}
    assert asked["GroupAdd"] == ["7"]
    assert {"Name": "memlock", "Hard": -1, "Soft": -1} in asked["Ulimits"]
    assert (asked["Privileged"], asked["CapAdd"], asked["CapDrop"]) == (False, None, ["ALL"])


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_other_launches_are_given_none(
    engine: docker.DockerClient, image: str, node: Nodes, platform: str
) -> None:
    for name in NAMES:
        node(name, mode=0o666)
    found = probed(engine, image, node.dev, platform=platform)
    assert opened(found) == set()
    assert found["locked"] != [-1, -1]


def test_what_is_not_there_is_named_with_its_driver_and_nothing_is_started(
    engine: docker.DockerClient, node: Nodes
) -> None:
    with pytest.raises(
        LaunchRefused, match=f"no AMD GPU here: no {node.dev}/kfd; install AMD's kernel"
    ):
        DockerEngine(engine, node.dev).start(LaunchSpec(command=(), platform="rocm"))


@pytest.mark.parametrize(
    ("platform", "there", "absent"),
    [
        ("rocm", [], ["kfd"]),
        ("rocm", ["kfd"], ["dri/renderD*"]),
        ("rocm", ["kfd", "dri/card0"], ["dri/renderD*"]),
        ("rocm", ["kfd", "dri/renderD128"], []),
        ("tpu", [], ["accel[0-9]*", "vfio/vfio"]),
        ("tpu", ["vfio/vfio"], ["accel[0-9]*", "vfio/[0-9]*"]),
        ("tpu", ["vfio/vfio", "vfio/7"], []),
        ("tpu", ["accel1"], []),
        ("cuda", [], []),
        ("cpu", [], []),
    ],
)
def test_which_files_are_missing(
    node: Nodes, platform: str, there: list[str], absent: list[str]
) -> None:
    for name in there:
        node(name)
    found = missing(platform, node.dev)
    assert (() if found is None else found.files) == tuple(f"{node.dev}/{name}" for name in absent)


def test_a_file_of_another_kind_is_no_device(node: Nodes) -> None:
    node("dri/renderD128")
    (node.dev / "kfd").touch()
    assert missing("rocm", node.dev) is not None


def test_groups_are_needed_where_not_everybody_may(node: Nodes) -> None:
    kfd = node("kfd", mode=0o666)
    rendering = [node("dri/renderD128", group=7), node("dri/renderD129", group=7)]
    assert accelerator("rocm", node.dev) == Accelerator(files=(kfd, *rendering), groups=(7,))
    assert accelerator("cpu", node.dev) == Accelerator()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o620])
def test_one_that_a_launch_could_not_open_is_said(node: Nodes, mode: int) -> None:
    node("accel0", mode=mode)
    with pytest.raises(LaunchRefused, match=r"may not open .*/accel0 \(crw.*group 4242\).*udev"):
        accelerator("tpu", node.dev)


@pytest.mark.parametrize(
    ("platform", "gpus", "env"),
    [
        ("rocm", True, {}),
        ("rocm", ("1", "GPU-1a2b"), {"ROCR_VISIBLE_DEVICES": "1,GPU-1a2b"}),
        ("cuda", ("1",), {}),
    ],
)
def test_rocm_is_told_which_gpus_were_chosen(
    platform: str, gpus: bool | tuple[str, ...], env: dict[str, str]
) -> None:
    assert chosen(platform, gpus) == env
