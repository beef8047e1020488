"""Finds or makes what a plan needs: an engine, and the image of its target."""

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from containers.assets import assets
from containers.docker_engine import DockerEngine, connect
from containers.engine import Engine
from containers.images import Image, Images, Recipe
from containers.process_engine import ProcessEngine
from containers.spec import Limits
from harness.config import Target
from harness.errors import EnvironmentFailure, UsageError
from harness.machine import memory_bytes
from harness.plan import Plan
from workloads import catalog

_MEMORY_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Setup:
    """An engine that answers, and the image to start (None for plain processes)."""

    engine: Engine
    image: Image | None


def set_up(plan: Plan, say: Callable[[str], None]) -> Setup:
    """Raises `EnvironmentFailure`, `UsageError` or an `EngineError` with what to do."""
    root = Path(catalog.__file__).parents[1]
    if plan.isolation == "process":
        if importlib.util.find_spec("jax") is None:
            raise EnvironmentFailure(
                "--isolation process measures with this Python's JAX, and there is none: "
                "pip install 'jaxrig[process]'"
            )
        return Setup(engine=ProcessEngine(root), image=None)
    client = connect()
    engine = DockerEngine(client)
    leftovers = engine.sweep()
    if leftovers:
        say(f"removed {leftovers} container(s) that an interrupted run left behind")
    image = Images(client, root / "workloads", say).ensure(recipe(plan.target_name, plan.target))
    return Setup(engine=engine, image=image)


def recipe(name: str, target: Target) -> Recipe:
    """What the image of a target is made of. Raises `UsageError` for a missing file."""
    return Recipe(
        name=name,
        dockerfile=_file(name, target.dockerfile),
        requirements=None if target.requirements is None else _file(name, target.requirements),
        base=target.base,
    )


def limits(target: Target) -> Limits:
    """The target's limits; where it names none, this process's CPUs and most of the memory."""
    cpus = target.cpus or ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    return Limits(
        cpus=cpus,
        memory_bytes=target.memory or int(memory_bytes() * _MEMORY_SHARE),
        pids=target.pids,
        tmp_bytes=target.tmp,
    )


def _file(target: str, path: Path) -> Path:
    found = path if path.is_absolute() else assets() / path
    if not found.is_file():
        raise UsageError(f"target {target}: no file {path} beside jaxrig.toml, nor built in")
    return found
