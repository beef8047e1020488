"""Finds or makes what a plan needs: an engine, and the image of its target."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from containers.accelerators import accelerator
from containers.assets import assets
from containers.docker_engine import DockerEngine, connect
from containers.engine import Engine
from containers.errors import ImageUnavailable
from containers.images import Image, Images, target_of_image
from containers.ingredients import Ingredients, ingredients_of
from containers.own import OWN_FOLDER, Own
from containers.process_engine import ProcessEngine
from containers.project import Project
from containers.recipe import Recipe
from containers.spec import Limits
from harness.errors import EnvironmentFailure, UsageError
from harness.machine import memory_bytes
from harness.own import OwnSuite
from harness.plan import Plan
from harness.releases import checked, releases
from harness.runner.interpreter import interpreter
from harness.target import Target
from harness.tenants import tenants
from workloads import catalog

_MEMORY_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Setup:
    """An engine that answers, and the image to start (None for plain processes).

    `made_of`: what the image says of its ingredients.
    `own_folder`: where a launch finds the suite of one's own, if the plan has one.
    """

    engine: Engine
    image: Image | None
    made_of: Ingredients = field(default_factory=Ingredients)
    own_folder: str | None = None


def set_up(plan: Plan, say: Callable[[str], None]) -> Setup:
    """Raises `EnvironmentFailure`, `UsageError` or an `EngineError` with what to do."""
    if plan.target.platform == "cuda":
        _tell_of_tenants(say)
    root = Path(catalog.__file__).parents[2]
    if plan.isolation == "process":
        return _plain(plan, root)
    client = connect()
    accelerator(plan.target.platform)  # before an image is built for nothing
    engine = DockerEngine(client)
    leftovers = engine.sweep()
    if leftovers:
        say(f"removed {leftovers} container(s) that an interrupted run left behind")
    images = Images(client, root / "workloads", say)
    image = images.known(plan.image) if plan.image else _ensured(images, plan)
    own_folder = None if plan.own is None else f"{OWN_FOLDER}/{plan.own.folder.name}"
    made_of = ingredients_of(client, image.digest)
    return Setup(engine=engine, image=image, made_of=made_of, own_folder=own_folder)


def _tell_of_tenants(say: Callable[[str], None]) -> None:
    for each in tenants():
        say(
            f"{each}: what is measured beside it is slower, and may run out of memory; "
            "end it, or choose another GPU"
        )


def _ensured(images: Images, plan: Plan) -> Image:
    """Raises what `ensure` does, and `UsageError` for a version of JAX that there is not."""
    try:
        return images.ensure(recipe_of(plan))
    except ImageUnavailable:
        if plan.target.jax is not None:
            with suppress(EnvironmentFailure):  # then what the build says is all there is to say
                checked(plan.target.jax, releases())
        raise


def _plain(plan: Plan, root: Path) -> Setup:
    """Plain processes. `root`: the folder that holds the workloads.

    Raises `UsageError` where one would measure something else than was meant, and
    `EnvironmentFailure` where its Python lacks what it measures with.
    """
    target = plan.target
    others = {"image": plan.image or target.image, "project": target.project, "jax": target.jax}
    for what, name in others.items():
        if name is not None:
            raise UsageError(
                f"a plain process measures its Python's packages, and no {what} {name}: say "
                '--isolation container, or isolation = "container" in jaxrig.toml'
            )
    packages = ("jax",) if plan.own is None else ("pytest", "pytest_benchmark")
    python = interpreter(plan.target.python, packages)
    folder = None if plan.own is None else str(plan.own.folder)
    return Setup(engine=ProcessEngine(root, python), image=None, own_folder=folder)


def target_of(digest: str) -> str:
    """The target that an image was built for. Raises `UsageError`, or an `EngineError`."""
    target = target_of_image(connect(), digest)
    if target is None:
        raise UsageError(f"{digest} does not say for which target it is; write TARGET@{digest}")
    return target


def recipe_of(plan: Plan) -> Recipe:
    """What the image of a plan is made of. Raises like `recipe`."""
    made = recipe(plan.target_name, plan.target, plan.own)
    if made.project is None:
        return made
    return replace(made, project=replace(made.project, revision=plan.revision))


def recipe(name: str, target: Target, own: OwnSuite | None = None) -> Recipe:
    """What the image of a target is made of. Raises `UsageError` for a missing file, where the
    target is made for plain processes alone, and where `jax` has no requirements to be put in.
    """
    if target.jax is not None and target.requirements is None:
        raise UsageError(
            f"target {name}: jax = {target.jax!r} takes the place of the version in the target's "
            "requirements, and it names none"
        )
    if target.dockerfile is None and target.image is None:
        raise UsageError(
            f"target {name} has neither dockerfile nor image in jaxrig.toml: it is measured as a "
            "plain process (--isolation process)"
        )
    return Recipe(
        name=name,
        dockerfile=_file(name, target.dockerfile),
        requirements=_file(name, target.requirements),
        base=target.base,
        image=target.image,
        jax=target.jax,
        project=None if target.project is None else Project(folder=target.project),
        own=None if own is None else Own(own.folder),
    )


def limits(target: Target) -> Limits:
    """The target's limits; where it names none, this process's CPUs and most of the memory."""
    cpus = target.cpus or ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    return Limits(
        cpus=cpus,
        memory_bytes=target.memory or int(memory_bytes() * _MEMORY_SHARE),
        pids=target.pids,
        tmp_bytes=target.tmp,
        shm_bytes=target.shm,
    )


def _file(target: str, path: Path | None) -> Path | None:
    if path is None:
        return None
    found = path if path.is_absolute() else assets() / path
    if not found.is_file():
        raise UsageError(f"target {target}: no file {path} beside jaxrig.toml, nor built in")
    return found
