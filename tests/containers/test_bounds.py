"""What engines say of the limits that they can set, and what they then do: as real ones did."""

from typing import Any

import docker
import pytest

from containers.bounds import check_bounds, unbound
from containers.errors import LaunchRefused
from containers.spec import Limits

ALL, NONE = ("cpus", "memory", "pids"), ()


def told(cpus: bool, memory: bool, pids: bool, **more: object) -> dict[str, Any]:
    return {"CPUSet": cpus, "MemoryLimit": memory, "PidsLimit": pids, **more}


@pytest.mark.parametrize(
    ("info", "missing"),
    [
        (told(True, True, True, CgroupVersion="1"), NONE),
        # Docker 20.10, rootless: it starts a container without.
        (told(False, False, False, CgroupVersion="1"), ALL),
        # Podman 4.3 and 5.4, rootless: what they say is the same whatever they can.
        (told(True, True, True, CgroupVersion="1", Rootless=True), ALL),
        (told(False, True, True, CgroupVersion="2", Rootless=True), NONE),
        (told(True, True, True, CgroupVersion="1", Rootless=False), NONE),
    ],
)
def test_an_engine_leaves_out_what_it_cannot_set(
    info: dict[str, Any], missing: tuple[str, ...]
) -> None:
    assert unbound(info) == missing


def test_only_a_limit_that_is_asked_for_is_missed() -> None:
    info = told(cpus=False, memory=True, pids=True)
    check_bounds(Limits(cpus=None), info)
    with pytest.raises(LaunchRefused, match="hold a launch to its cpus: "):
        check_bounds(Limits(cpus="0"), info)


def test_the_engine_that_there_is_can_set_them(engine: docker.DockerClient) -> None:
    assert unbound(engine.info()) == NONE
