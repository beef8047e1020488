"""Two builds from one lock hold the same packages, and another lock is seen."""

import json
from dataclasses import replace

import docker
import pytest

from containers.assets import assets
from containers.images import Image
from containers.saved import held
from harness.runner.rebuilding import Rebuilt
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.containers.workshop import Workshop


def pin(name: str) -> str:
    """As the tests' own pinned requirements have it, with its hashes."""
    text = (ROOT / "tests/requirements.txt").read_text()
    start = text.index(f"\n{name}==") + 1
    lines = text[start:].splitlines()
    last = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: last + 1]) + "\n"


@pytest.fixture
def built(workshop: Workshop) -> Image:
    """A target of one small package, by the Dockerfile of the CPU target."""
    workshop.dockerfile = assets() / "cpu.Dockerfile"
    workshop.recipe = replace(workshop.recipe, dockerfile=workshop.dockerfile)
    workshop.requirements.write_text(pin("iniconfig"))
    return workshop.ensure()


@pytest.fixture
def jaxrig(workshop: Workshop) -> Jaxrig:
    """Where jaxrig.toml has that target."""
    folder = workshop.folder / "files"
    folder.mkdir()
    keys = {
        "platform": "cpu",
        "dockerfile": "cpu.Dockerfile",
        "requirements": str(workshop.requirements),
        "base": str(workshop.recipe.base),
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    text = "\n".join([f"[targets.{workshop.recipe.name}]", *lines])
    (folder / "jaxrig.toml").write_text(text + "\n")
    return Jaxrig(folder=folder)


def test_two_builds_from_one_lock_have_equal_packages_and_another_lock_is_seen(
    engine: docker.DockerClient, workshop: Workshop, built: Image, jaxrig: Jaxrig
) -> None:
    equal = jaxrig("images", "rebuild", built.digest, "--format", "json")
    assert (equal.code, equal.out.strip()) == (0, "[]"), equal.err
    assert f"building the stack of target {workshop.recipe.name}-rebuilt" in equal.err
    workshop.requirements.write_text(pin("iniconfig") + pin("pluggy"))
    other = jaxrig("images", "rebuild", built.digest, "--format", "json")
    assert other.code == 1, other.err
    (changed,) = json.loads(other.out)
    assert (changed["package"], changed["image_version"]) == ("pluggy", None)
    assert engine.images.get(built.tag).id == built.digest
    assert f"{workshop.recipe.name}-rebuilt" not in [each.target for each in held(engine)]


def test_what_a_target_alone_does_not_make_is_refused(
    engine: docker.DockerClient, workshop: Workshop, built: Image, jaxrig: Jaxrig
) -> None:
    (stack,) = engine.images.list(f"jaxrig/{workshop.recipe.name}-stack")
    refused = jaxrig("images", "rebuild", str(stack.id))
    assert refused.code == 2
    assert "cannot be built again" in refused.err


def test_versions_and_names_make_a_difference() -> None:
    done = Rebuilt(before={"a": "1", "b": "1", "d": "1"}, after={"a": "2", "c": "1", "d": "1"})
    assert done.changed == ("a", "b", "c")
