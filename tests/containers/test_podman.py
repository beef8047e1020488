"""Podman does as Docker does: the same tests pass with it, and a run measures.

Debian's Podman, through its Docker-compatible socket.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from containers.recipe import layers_of
from harness.runner.setup import recipe
from harness.target import BUILT_IN_TARGETS
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.need import need
from tests.podman import Podman

SAME = ("test_docker_engine", "test_hardening", "test_scratch", "test_stdin")


@pytest.fixture(scope="module")
def podman(engine: docker.DockerClient, base: str) -> Iterator[Podman]:
    """With the base image that Docker has."""
    there = shutil.which("podman") and shutil.which("runc")
    need(there, "Podman with runc (on Debian: apt-get install podman runc)")
    with Podman() as found:
        found.take(engine, base)
        yield found


def test_launches_are_as_with_docker(podman: Podman) -> None:
    files = [str(ROOT / "tests" / "containers" / f"{name}.py") for name in SAME]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=podman.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.fixture(scope="module")
def jaxrig(
    podman: Podman,
    engine: docker.DockerClient,
    base: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Jaxrig:
    """With the stack that Docker has: to build one takes Podman as long as Docker, a minute."""
    folder = tmp_path_factory.mktemp("podman")
    assert Jaxrig(folder=folder)("run", *CASE, "--launches", "1", timeout_s=600).code == 0
    stack = next(layers_of(recipe("cpu", BUILT_IN_TARGETS["cpu"]), ROOT / "workloads"))
    podman.take(engine, stack.tag("cpu", str(engine.images.get(base).id)))
    return Jaxrig(folder=folder, env={"DOCKER_HOST": podman.host})


CASE = ("--case", "matmul/256/f32")


def test_a_run_measures(jaxrig: Jaxrig) -> None:
    done = jaxrig("run", *CASE, "--launches", "2", timeout_s=600)
    assert done.code == 0, done.err
    assert "building the stack" not in done.err
    assert [each["launch"] for each in jaxrig.json("show", "latest")["measurements"]] == [0, 1]


def test_two_sides_take_turns(jaxrig: Jaxrig) -> None:
    done = jaxrig("ab", "cpu", "cpu", *CASE, "--max-pairs", "5", "--format", "json", timeout_s=600)
    assert done.code in (0, 3), done.err
    assert json.loads(done.out)["cases"][0]["pairs"] >= 2


def test_its_images_are_listed_by_the_names_they_were_given(jaxrig: Jaxrig, tmp_path: Path) -> None:
    digest = jaxrig.json("runs")[0]["image"]
    held = {each["image"]: each["tag"] for each in jaxrig.json("images", "list")}
    assert held[digest].startswith("jaxrig/cpu:")
    assert jaxrig("images", "export", digest[:19], str(tmp_path / "image.tar")).code == 0


def test_the_doctor_knows_it(jaxrig: Jaxrig) -> None:
    found = {each["check"]: each["found"] for each in jaxrig.json("doctor")}
    assert found["engine"].startswith("Podman ")
