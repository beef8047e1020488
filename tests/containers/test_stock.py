"""What an engine holds is found in one list: the image of a target, or that it is not built."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import docker
import pytest

from containers.errors import EngineUnavailable
from containers.locks import Lock
from containers.recipe import Recipe
from containers.saved import held
from containers.stock import Listed, stock
from tests.containers.workshop import Workshop


def made_of(engine: docker.DockerClient, workshop: Workshop, recipe: Recipe) -> Listed | None:
    return stock(engine).made_of(recipe, workshop.workloads)


def test_an_image_is_found_once_it_is_built_and_until_its_files_change(
    engine: docker.DockerClient, workshop: Workshop
) -> None:
    assert made_of(engine, workshop, workshop.recipe) is None
    image = workshop.ensure()
    found = made_of(engine, workshop, workshop.recipe)
    assert found is not None
    (same,) = [each for each in held(engine) if each.tag == image.tag]
    assert (found.digest, found.size_bytes) == (image.digest, same.size_bytes)
    assert found.created_at == same.created_at.replace(microsecond=0)
    (workshop.workloads / "__init__.py").write_text("VALUE = 2\n")
    assert made_of(engine, workshop, workshop.recipe) is None


@pytest.mark.parametrize("key", ["base", "image"])
def test_on_what_is_not_there_nothing_is_built(
    engine: docker.DockerClient, workshop: Workshop, key: Literal["base", "image"]
) -> None:
    workshop.ensure()
    nowhere = "nobody/made:this"
    recipe = (
        replace(workshop.recipe, base=nowhere)
        if key == "base"
        else replace(workshop.recipe, image=nowhere)
    )
    assert made_of(engine, workshop, recipe) is None


@pytest.mark.parametrize(
    "written",
    [
        lambda _digest, tag: tag,
        lambda _digest, tag: f"docker.io/{tag}",
        lambda digest, _tag: digest,
        lambda digest, _tag: digest[:20],
    ],
)
def test_a_name_is_found_as_one_writes_it(
    engine: docker.DockerClient, workshop: Workshop, written: Callable[[str, str], str]
) -> None:
    image = workshop.ensure()
    found = stock(engine).find(written(image.digest, image.tag))
    assert found is not None
    assert found.digest == image.digest


def test_a_tag_that_nobody_wrote_is_latest(engine: docker.DockerClient, image: str) -> None:
    engine.images.get(image).tag("jaxrig-test/latest")
    try:
        found = stock(engine).find("jaxrig-test/latest")
    finally:
        engine.images.remove("jaxrig-test/latest")
    assert found is not None
    assert found.digest == image


def test_the_engine_is_asked_once(
    engine: docker.DockerClient, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.ensure()
    held = stock(engine)
    monkeypatch.setattr(engine.api, "get", None)  # of the SDK's, which all questions go through
    assert held.made_of(workshop.recipe, workshop.workloads) is not None


def test_an_engine_that_is_gone_is_told() -> None:
    client = docker.DockerClient(base_url="tcp://127.0.0.1:1", version="1.41", timeout=1)
    with pytest.raises(EngineUnavailable, match="when asked to list its images"):
        stock(client)
    client.close()


def test_with_another_version_of_jax_it_is_found_once_that_was_chosen(
    engine: docker.DockerClient,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe = replace(workshop.recipe, jax="0.9.2")
    assert made_of(engine, workshop, recipe) is None
    assert recipe.requirements is not None
    assert recipe.base is not None
    lock = Lock(
        jax="0.9.2",
        requirements=recipe.requirements.read_bytes(),
        base=recipe.base,
        architecture=str(engine.version()["Arch"]),
    )
    kept = tmp_path / "cache" / "jaxrig" / "locks" / f"{lock.name}.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("chosen==1.0\n")
    assert made_of(engine, workshop, recipe) is None
    image = workshop.ensure(recipe)
    found = made_of(engine, workshop, recipe)
    assert found is not None
    assert found.digest == image.digest
