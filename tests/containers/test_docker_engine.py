"""Launches as hardened containers, on a real engine: what is asked for holds inside."""

import gc
import io
import os
import subprocess
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from containers import owner
from containers.docker_engine import (
    DEADLINE_LABEL,
    OWNER_LABEL,
    DockerEngine,
    connect,
    engine_errors,
)
from containers.engine import Exit
from containers.errors import EngineUnavailable, LaunchRefused
from containers.spec import GIB, LaunchSpec, Limits
from tests.checkout import ROOT
from tests.containers.running import SLEEP, WELL, Start, attributes, read_all


def exists(client: docker.DockerClient, name: str) -> bool:
    try:
        client.containers.get(name)
    except NotFound:
        return False
    return True


def test_both_streams_and_the_exit_code_are_handed_on(start: Start) -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with start(program) as running:
        assert read_all(running) == b"out\n"
        assert running.wait(10) == Exit(code=3, out_of_memory=False)
        assert running.wait(0) == Exit(code=3, out_of_memory=False)
        assert running.log() == "err\n"


def test_much_output_arrives_whole(start: Start) -> None:
    """20 MB, and a reader that comes late."""
    with start("import sys; sys.stdout.buffer.write(bytes(range(250)) * 80_000)") as running:
        time.sleep(0.3)
        assert read_all(running) == bytes(range(250)) * 80_000
        assert running.wait(10) == WELL


def test_a_launch_that_does_not_end_in_time_is_ended(start: Start) -> None:
    with start(SLEEP) as running:
        assert running.read(0.1) is None
        before = time.monotonic()
        assert running.wait(0.1) == Exit(code=137, out_of_memory=False)
        assert time.monotonic() - before < 10


def test_leaving_removes_the_container_and_killing_again_is_safe(
    engine: docker.DockerClient, start: Start
) -> None:
    with start(SLEEP) as running:
        assert exists(engine, running.name)
    assert not exists(engine, running.name)
    running.kill()


def test_a_launch_forgets_no_connection(start: Start) -> None:
    """What is left to the garbage collector comes as a warning."""
    gc.collect()
    with warnings.catch_warnings(record=True) as forgotten:
        warnings.simplefilter("always", ResourceWarning)
        threads = set(threading.enumerate())
        with start("print(1)") as running:
            assert read_all(running) == b"1\n"
        for thread in set(threading.enumerate()) - threads:
            thread.join(10)
        del running
        gc.collect()
    assert [str(each.message) for each in forgotten] == []


def test_a_container_that_somebody_else_removed_is_no_error(
    engine: docker.DockerClient, start: Start
) -> None:
    with start(SLEEP) as running:
        engine.containers.get(running.name).remove(force=True)
        assert read_all(running) == b""
    assert not exists(engine, running.name)


@contextmanager
def left_behind(
    client: docker.DockerClient, image: str, left_by: str, deadline: float
) -> Iterator[Container]:
    """A container as some jaxrig left it, not started."""
    labels = {OWNER_LABEL: left_by, DEADLINE_LABEL: str(int(deadline))}
    container = client.containers.create(image, ["true"], labels=labels)
    try:
        yield container
    finally:
        if exists(client, str(container.id)):
            container.remove(force=True)


def test_only_what_nobody_can_still_want_is_swept(
    engine: docker.DockerClient, docker_engine: DockerEngine, image: str
) -> None:
    program = "from containers import owner; print(owner.this_process())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    dead, living = done.stdout.strip(), owner.this_process()
    boot, _, pid, ticks = dead.split("/")
    foreign = f"{boot}/1/{pid}/{ticks}"
    soon = time.time() + 600
    with (
        left_behind(engine, image, dead, soon) as of_a_dead,
        left_behind(engine, image, living, soon) as of_a_living,
        left_behind(engine, image, foreign, soon) as of_a_foreigner,
        left_behind(engine, image, foreign, time.time() - 1) as overdue,
        left_behind(engine, image, f"other-boot/1/{uuid.uuid4()}/1", soon) as elsewhere,
    ):
        assert docker_engine.sweep() >= 2
        left = {
            container.id
            for container in (of_a_dead, of_a_living, of_a_foreigner, overdue, elsewhere)
            if exists(engine, str(container.id))
        }
        assert left == {of_a_living.id, of_a_foreigner.id, elsewhere.id}


def test_a_container_without_the_label_is_nobody_s_to_sweep(
    engine: docker.DockerClient, docker_engine: DockerEngine, image: str
) -> None:
    container = engine.containers.create(image, ["true"])
    try:
        docker_engine.sweep()
        assert exists(engine, str(container.id))
    finally:
        container.remove(force=True)


def containers_of(client: docker.DockerClient) -> list[Container]:
    """Everything that this process has left on the engine."""
    label = f"{OWNER_LABEL}={owner.this_process()}"
    found: list[Container] = client.containers.list(
        all=True, filters={"label": label}, ignore_removed=True
    )
    return found


@pytest.mark.parametrize("gpus", [True, ("0",), ("GPU-1a2b", "1")])
def test_gpus_where_the_engine_has_none_are_refused_with_the_way_out(
    engine: docker.DockerClient, start: Start, gpus: bool | tuple[str, ...]
) -> None:
    if "nvidia" in engine.info().get("Runtimes", {}):
        pytest.skip("this engine can hand out GPUs")
    with pytest.raises(
        LaunchRefused, match=r"could not select device driver|hands out no GPUs"
    ) as refused:
        start("", gpus=gpus)
    assert "NVIDIA Container Toolkit" in str(refused.value)
    assert containers_of(engine) == []


@pytest.mark.parametrize(
    ("gpus", "asked"),
    [
        (False, []),
        (True, [(-1, [], [["gpu"]])]),
        (("2", "GPU-1a2b"), [(0, ["2", "GPU-1a2b"], [["gpu"]])]),
    ],
)
def test_an_engine_is_asked_for_all_gpus_or_for_those_chosen(
    engine: docker.DockerClient,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    podman: bool,
    gpus: bool | tuple[str, ...],
    asked: list[tuple[int, list[str], list[list[str]]]],
) -> None:
    if podman and gpus:
        pytest.skip("Podman before 5 takes no such order: a launch is refused at once")
    # It may have none: it refuses them at the start, and takes the order before.
    monkeypatch.setattr(Container, "start", lambda _: None)
    with start("", gpus=gpus) as running:
        requests = attributes(engine, running)["HostConfig"]["DeviceRequests"] or []
    found = [(each["Count"], each["DeviceIDs"] or [], each["Capabilities"]) for each in requests]
    assert found == asked


def test_a_gpu_that_is_not_there_is_refused_with_the_key_to_change() -> None:
    """An engine with GPUs says so in these words; there may be none here."""
    told = "nvidia-container-cli: device error: 7: unknown device: unknown"
    with (
        pytest.raises(LaunchRefused, match=r"Change `gpus` of this target in jaxrig\.toml"),
        engine_errors("start a launch"),
    ):
        raise APIError("500", explanation=told)


@pytest.mark.parametrize(
    "told",
    [
        (
            "runc: runc create failed: unable to start container process: unable to apply cgroup "
            "configuration: rootless needs no limits + no cgrouppath when no permission is granted "
            "for cgroups: mkdir /sys/fs/cgroup/4268d0e3: permission denied: OCI permission denied"
        ),
        (
            "crun: controller `cpuset` is not available under /sys/fs/cgroup/user.slice/"
            "user-1000.slice/user@1000.service/user.slice/libpod-3873a817.scope/container/"
            "cgroup.controllers: OCI runtime error"
        ),
    ],
)
def test_limits_that_a_rootless_engine_may_not_set_are_refused_with_the_way_out(told: str) -> None:
    """What Podman's runtimes said on cgroups of version 2, where these were not delegated."""
    with (
        pytest.raises(LaunchRefused, match=r"delegated to its user; else .*--isolation process"),
        engine_errors("start a launch"),
    ):
        raise APIError("500", explanation=told)


def test_cpus_that_are_not_there_are_refused_with_the_key_to_change(
    engine: docker.DockerClient, start: Start
) -> None:
    with pytest.raises(LaunchRefused, match=r"Change `cpus` of this target in jaxrig\.toml"):
        start("", limits=Limits(cpus="4095", memory_bytes=GIB))
    assert containers_of(engine) == []


def test_an_image_that_is_not_there_is_refused(docker_engine: DockerEngine) -> None:
    with pytest.raises(LaunchRefused, match="would not start a launch"):
        docker_engine.start(LaunchSpec(command=(), image="jaxrig-test/nowhere:none"))


def test_a_program_that_cannot_start_is_refused_and_leaves_nothing(
    engine: docker.DockerClient, docker_engine: DockerEngine
) -> None:
    nothing = f"FROM scratch\nLABEL jaxrig.test={uuid.uuid4()}\n".encode()
    empty, _ = engine.images.build(fileobj=io.BytesIO(nothing), rm=True)
    try:
        with pytest.raises(LaunchRefused, match="would not start a launch"):
            docker_engine.start(LaunchSpec(command=("-c", ""), image=str(empty.id)))
        assert containers_of(engine) == []
    finally:
        engine.images.remove(str(empty.id))


@pytest.mark.parametrize(
    "host",
    [
        "tcp://127.0.0.1:1",
        "unix:///nowhere/docker.sock",
        "tcp://127.0.0.1:notaport",
        "carrier-pigeon://x",
    ],
)
def test_a_host_without_an_engine_is_answered_with_the_ways_out(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineUnavailable, match=f"no Docker engine answers at {host} ") as refused:
        connect()
    for way_out in ("docker/engine.sh start", "DOCKER_HOST", "--isolation process"):
        assert way_out in str(refused.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK forgets to close its socket
        del refused
        gc.collect()


def test_the_engine_of_another_machine_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@elsewhere")
    with pytest.raises(EngineUnavailable, match="run jaxrig on that machine"):
        connect()


def test_an_engine_that_stops_answering_is_told_from_a_refusal(image: str) -> None:
    """A client whose engine is gone: its connections lead to a closed port."""
    client = docker.DockerClient(base_url="tcp://127.0.0.1:1", version="1.41", timeout=1)
    lost = DockerEngine(client)
    with pytest.raises(EngineUnavailable, match="stopped answering when asked to start a launch"):
        lost.start(LaunchSpec(command=("-c", ""), image=image))
    with pytest.raises(EngineUnavailable, match="look for leftovers"):
        lost.sweep()
    client.close()


def test_the_boot_id_is_the_same_inside(start: Start) -> None:
    with start("print(open('/proc/sys/kernel/random/boot_id').read())") as running:
        assert read_all(running).decode().strip() == owner.boot_id()


def test_a_launch_may_use_every_cpu_that_it_is_given(start: Start) -> None:
    cpus = ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    program = "import os; print(len(os.sched_getaffinity(0)))"
    with start(program, limits=Limits(cpus=cpus)) as running:
        assert int(read_all(running)) == len(os.sched_getaffinity(0))


def test_one_that_prints_faster_than_it_is_read_can_be_ended(start: Start) -> None:
    with start("import os\nwhile True: os.write(1, bytes(65536))") as running:
        assert running.read(30)
        time.sleep(0.5)  # all that lies between is full
        since = time.monotonic()
        assert running.wait(0.0).code == 137
        assert time.monotonic() - since < 8
