"""Other engines do as the one that there is: the same tests pass with them, and a run measures.

Debian's Podman, through its Docker-compatible socket, and Debian 13's Docker.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker
import pytest

from containers.docker_engine import DockerEngine
from containers.errors import ImageUnavailable, LaunchRefused
from containers.images import Images
from containers.recipe import layers_of
from containers.saved import held, load, save
from containers.spec import GIB, LaunchSpec, Limits
from harness.runner.setup import recipe
from harness.target import BUILT_IN_TARGETS
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.containers.workshop import Workshop
from tests.engine_beside import EngineBeside
from tests.need import need
from tests.newer_docker import NewerDocker
from tests.podman import Podman, RootlessPodman

SAME = ("test_docker_engine.py", "test_hardening.py", "test_scratch.py", "test_stdin.py")
LONG = (
    *("test_stock.py", "test_saved.py", "test_pruning.py"),
    *("test_given.py", "test_rebuilding.py"),
)
"""Of many builds."""
NAMES: dict[type[EngineBeside], str] = {Podman: "Podman 4.", NewerDocker: "Docker 26."}
CASE = ("--case", "matmul/256/f32")


long = pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)


def need_podman() -> None:
    there = shutil.which("podman") and shutil.which("runc")
    need(there, "Podman with runc (on Debian: apt-get install podman runc)")


@pytest.fixture(scope="module", params=NAMES, ids=lambda kind: kind.__name__)
def beside(
    request: pytest.FixtureRequest, engine: docker.DockerClient, base: str
) -> Iterator[EngineBeside]:
    """With the base image that the other engine has."""
    if request.param is Podman:
        need_podman()
    with request.param() as found:
        found.take(engine, base)
        yield found


def test_launches_are_as_with_the_other(beside: EngineBeside) -> None:
    passes(beside, SAME)
    assert not (ROOT / "oom").exists()  # of the launch that was killed


@long
def test_what_takes_minutes_is_as_with_the_other(beside: EngineBeside) -> None:
    passes(beside, LONG)


def passes(beside: EngineBeside, tests: Sequence[str]) -> None:
    files = [str(ROOT / "tests" / "containers" / each) for each in tests]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=beside.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.fixture(scope="module")
def jaxrig(
    beside: EngineBeside,
    engine: docker.DockerClient,
    base: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Jaxrig:
    """With the stack that the other engine has: to build one takes every engine a minute."""
    made_of = recipe("cpu", BUILT_IN_TARGETS["cpu"])
    Images(engine, ROOT / "workloads", print).ensure(made_of)
    stack = next(layers_of(made_of, ROOT / "workloads"))
    here, there = (
        stack.tag("cpu", str(each.images.get(base).id)) for each in (engine, beside.client)
    )
    beside.take(engine, here, there)
    return Jaxrig(folder=tmp_path_factory.mktemp("beside"), env={"DOCKER_HOST": beside.host})


def test_a_run_measures(jaxrig: Jaxrig) -> None:
    done = jaxrig("run", *CASE, "--launches", "2", timeout_s=600)
    assert done.code == 0, done.err
    assert "building the stack" not in done.err
    assert [each["launch"] for each in jaxrig.json("show", "latest")["measurements"]] == [0, 1]


def test_two_sides_take_turns(jaxrig: Jaxrig) -> None:
    done = jaxrig("ab", "cpu", "cpu", *CASE, "--max-pairs", "5", "--format", "json", timeout_s=600)
    assert done.code in (0, 3), done.err
    assert json.loads(done.out)["cases"][0]["pairs"] >= 2


@long
def test_nights_take_turns_with_the_anchor(jaxrig: Jaxrig) -> None:
    words = ("nightly", *CASE, "--max-pairs", "5", "--format", "json")
    nights = [jaxrig(*words, timeout_s=600) for _ in range(2)]
    assert [each.code for each in nights] == [0, 0], nights[1].err
    told = [json.loads(each.out) for each in nights]
    assert [each["epoch"] for each in told] == [1, 1]
    assert [each["cases"][0]["pairs"] for each in told] == [5, 5]


def test_its_images_are_listed_by_the_names_they_were_given(jaxrig: Jaxrig) -> None:
    digest = jaxrig.json("runs")[0]["image"]
    listed = {each["image"]: each for each in jaxrig.json("images", "list")}
    assert listed[digest]["tag"].startswith("jaxrig/cpu:")
    target = next(each for each in jaxrig.json("targets") if each["name"] == "cpu")
    known = (target["image_digest"], target["image_size_bytes"])
    assert known == (digest, listed[digest]["size_bytes"])
    assert target["runs_here"]


def test_the_doctor_knows_it(beside: EngineBeside, jaxrig: Jaxrig) -> None:
    found = {each["check"]: each["found"] for each in jaxrig.json("doctor")}
    assert found["engine"].startswith(NAMES[type(beside)])


def test_an_image_goes_from_one_engine_to_the_other_and_back(
    engine: docker.DockerClient, beside: EngineBeside, workshop: Workshop
) -> None:
    """Though engines with containerd's store know it by another digest."""
    there, back = workshop.folder / "there.tar", workshop.folder / "back.tar"
    built = workshop.ensure()
    save(engine, built.tag, there)
    jaxrig = Jaxrig(folder=workshop.folder.parent, env={"DOCKER_HOST": beside.host})
    done = jaxrig("images", "import", str(there), "--digest", built.digest)
    assert done.code == 0, done.err
    (known,) = [each.digest for each in held(beside.client) if each.tag == built.tag]
    assert f"{known} is back" in done.err
    assert ("which this engine knows by" in done.err) == (known != built.digest)
    save(beside.client, known[:19], back)
    workshop.clean()
    with pytest.raises(ImageUnavailable, match=f"{built.digest}.*, and not ffff"):
        load(engine, back, "ffff")
    assert load(engine, back, known) == built.digest
    assert engine.images.get(built.digest).tags == [built.tag]


def test_an_engine_that_would_leave_limits_out_starts_nothing(tmp_path: Path) -> None:
    """Rootless, on cgroups of version 1: Podman would start the launch without them."""
    need_podman()
    with RootlessPodman() as podman:
        if podman.client.info()["CgroupVersion"] != "1":
            pytest.skip("rootless engines can hold limits where cgroups are of version 2")
        spec = LaunchSpec(command=(), image="any", limits=Limits(cpus="0", memory_bytes=GIB))
        with pytest.raises(LaunchRefused, match="hold a launch to its cpus, memory, pids"):
            DockerEngine(podman.client).start(spec)
        jaxrig = Jaxrig(folder=tmp_path, env={"DOCKER_HOST": podman.host})
        told = {
            each["check"]: each for each in json.loads(jaxrig("doctor", "--format", "json").out)
        }
    assert told["engine"]["status"] == "fail"
    assert "cannot hold a launch to its cpus, memory, pids" in told["engine"]["found"]
