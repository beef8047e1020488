"""Two nights in containers: the first pins its image, the second finds that it is gone."""

import json
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest

from containers.assets import assets
from tests.command import Jaxrig, Outcome

TOML = """
[targets.mine]
platform = "cpu"
dockerfile = "mine.Dockerfile"
requirements = "cpu.requirements.txt"
env = { JAX_PLATFORMS = "cpu" }
"""
WORDS = ("nightly", "--target", "mine", "--case", "matmul/256/f32", "--max-pairs", "5")


def make_tonight(folder: Path, night: str) -> None:
    """Another image of the same stack."""
    stack = (assets() / "cpu.Dockerfile").read_text()
    (folder / "mine.Dockerfile").write_text(f'{stack}LABEL test.night="{night}"\n')


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    folder: Path = tmp_path_factory.mktemp("nightly")
    (folder / "jaxrig.toml").write_text(TOML)
    return Jaxrig(folder=folder)


@pytest.fixture(scope="module")
def nights(jaxrig: Jaxrig, engine: docker.DockerClient) -> tuple[Outcome, Outcome, Outcome]:
    """The first, one that was started while it was at work, and the second."""
    make_tonight(jaxrig.folder, "first")
    with jaxrig.start(*WORDS, "--format", "json") as running:
        wait_for(running, "run ")
        twice = jaxrig(*WORDS)
        out, err = running.communicate(timeout=300)
    first = Outcome(code=running.returncode, out=out, err=err)
    anchor = jaxrig.json("show", json.loads(first.out)["base"])["image"]
    assert any(tag.startswith("jaxrig-anchors/mine:") for tag in engine.images.get(anchor).tags)
    engine.images.remove(anchor, force=True)
    make_tonight(jaxrig.folder, "second")
    return first, twice, jaxrig(*WORDS, "--format", "json", "--report", "night.md")


def wait_for(running: "subprocess.Popen[str]", beginning: str) -> None:
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith(beginning):
            return
    raise AssertionError(f"it ended before it said {beginning!r}")


def test_the_first_night_pins_its_image(nights: tuple[Outcome, ...], jaxrig: Jaxrig) -> None:
    first = nights[0]
    assert first.code == 0, first.err
    document: dict[str, Any] = json.loads(first.out)
    assert document["epoch"] == 1
    (case,) = document["cases"]
    assert (case["pairs"], case["nights"], case["verdict"]) == (5, 0, "unclear")
    assert case["low"] < case["ratio"] < case["high"]
    images = {jaxrig.json("show", document[side])["image"] for side in ("base", "candidate")}
    assert len(images) == 1


def test_one_night_at_a_time(nights: tuple[Outcome, ...]) -> None:
    assert (nights[1].code, nights[1].out) == (5, "")
    assert "another jaxrig nightly is at work on this machine" in nights[1].err


def test_without_its_anchor_a_new_epoch_begins_aloud(
    nights: tuple[Outcome, ...], jaxrig: Jaxrig
) -> None:
    second = nights[2]
    assert second.code == 0, second.err
    assert "A NEW EPOCH (2): the anchor cannot be measured any more" in second.err
    assert json.loads(second.out)["epoch"] == 2
    assert "this engine holds no image" in (jaxrig.folder / "night.md").read_text()
