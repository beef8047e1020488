"""An image says what it was made of, and a run keeps that."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import docker

from containers.ingredients import DOCKERFILE_LABEL, Ingredients, ingredients_of
from harness.config import Settings
from harness.plan import make_plan
from harness.runner.setup import set_up
from harness.target import BUILT_IN_TARGETS, Target
from tests.containers.workshop import Workshop


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_image_carries_the_hashes_of_what_its_stack_was_made_of(
    engine: docker.DockerClient, workshop: Workshop
) -> None:
    image = workshop.ensure()
    assert ingredients_of(engine, image.digest) == Ingredients(
        dockerfile_sha256=sha256(workshop.dockerfile),
        requirements_sha256=sha256(workshop.requirements),
    )


def test_what_was_not_there_has_no_hash(engine: docker.DockerClient, workshop: Workshop) -> None:
    workshop.write("ARG BASE\nFROM ${BASE}\n")
    image = workshop.ensure(replace(workshop.recipe, requirements=None))
    found = ingredients_of(engine, image.digest)
    assert found == Ingredients(dockerfile_sha256=sha256(workshop.dockerfile))


def test_an_image_of_others_says_nothing_whatever_its_labels(
    engine: docker.DockerClient, workshop: Workshop, base: str
) -> None:
    dockerfile = f'FROM {base}\nLABEL {DOCKERFILE_LABEL}="\\x1b[31m"\n'
    tag = f"jaxrig/{workshop.recipe.name}:odd"
    engine.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=tag, rm=True)
    assert ingredients_of(engine, base) == Ingredients()
    assert ingredients_of(engine, tag) == Ingredients()


def test_a_run_is_set_up_with_what_its_image_says(workshop: Workshop, base: str) -> None:
    target = Target(
        platform="cpu",
        dockerfile=workshop.dockerfile,
        requirements=workshop.requirements,
        base=workshop.recipe.base,
    )
    plan = make_plan(Settings(targets=BUILT_IN_TARGETS), target="cpu", suite="quick")
    plan = replace(plan, target=target, target_name=workshop.recipe.name, isolation="container")
    assert set_up(plan, print).made_of == Ingredients(
        dockerfile_sha256=sha256(workshop.dockerfile),
        requirements_sha256=sha256(workshop.requirements),
    )
