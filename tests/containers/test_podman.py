"""Podman does as Docker does: the same tests pass with it, and a run measures.

Debian's Podman, through its Docker-compatible socket.
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

from containers.recipe import layers_of
from harness.runner.setup import recipe
from harness.target import BUILT_IN_TARGETS
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.need import need
from tests.podman import Podman

SAME = (
    *("test_docker_engine.py", "test_hardening.py", "test_scratch.py", "test_stdin.py"),
    *("test_stock.py", "test_saved.py"),
    "test_pruning.py::test_the_command_removes_neither_an_anchor_nor_the_newest",
)
LONG = ("test_pruning.py", "test_given.py", "test_rebuilding.py")
"""Podman builds slowly."""
long = pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)


@pytest.fixture(scope="module")
def podman(engine: docker.DockerClient, base: str) -> Iterator[Podman]:
    """With the base image that Docker has."""
    there = shutil.which("podman") and shutil.which("runc")
    need(there, "Podman with runc (on Debian: apt-get install podman runc)")
    with Podman() as found:
        found.take(engine, base)
        yield found


def test_launches_and_images_are_as_with_docker(podman: Podman) -> None:
    passes(podman, SAME)
    assert not (ROOT / "oom").exists()  # of the launch that was killed


@long
def test_what_takes_minutes_is_as_with_docker(podman: Podman) -> None:
    passes(podman, LONG)


def passes(podman: Podman, tests: Sequence[str]) -> None:
    files = [str(ROOT / "tests" / "containers" / each) for each in tests]
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


def test_a_target_has_the_image_that_was_measured(jaxrig: Jaxrig) -> None:
    found = {each["name"]: each for each in jaxrig.json("targets")}["cpu"]
    assert found["image_digest"] == jaxrig.json("runs")[0]["image"]
    assert found["runs_here"]


@long
def test_nights_take_turns_with_the_anchor(jaxrig: Jaxrig) -> None:
    words = ("nightly", *CASE, "--max-pairs", "5", "--format", "json")
    nights = [jaxrig(*words, timeout_s=600) for _ in range(2)]
    assert [each.code for each in nights] == [0, 0], nights[1].err
    told = [json.loads(each.out) for each in nights]
    assert [each["epoch"] for each in told] == [1, 1]
    assert [each["cases"][0]["pairs"] for each in told] == [5, 5]


def test_its_images_are_listed_by_the_names_they_were_given(jaxrig: Jaxrig, tmp_path: Path) -> None:
    digest = jaxrig.json("runs")[0]["image"]
    held = {each["image"]: each["tag"] for each in jaxrig.json("images", "list")}
    assert held[digest].startswith("jaxrig/cpu:")
    assert jaxrig("images", "export", digest[:19], str(tmp_path / "image.tar")).code == 0


def test_the_doctor_knows_it(jaxrig: Jaxrig) -> None:
    found = {each["check"]: each["found"] for each in jaxrig.json("doctor")}
    assert found["engine"].startswith("Podman ")
