"""Images apart from runs: what the engine holds, into files and back, and what of it can go."""

from collections.abc import Collection
from pathlib import Path

import docker

from containers import pruning, saved
from containers.docker_engine import connect
from containers.images import Image
from containers.pruning import Pruned
from containers.saved import HeldImage
from harness.config import Settings
from harness.runner.run import engine_failures

_PATIENCE_S = 3600
"""An engine is silent while it gathers an image of gigabytes."""


def held() -> list[HeldImage]:
    """What jaxrig built, the newest first. Raises `EnvironmentFailure`."""
    with engine_failures():
        return saved.held(connect())


def save(name: str, file: Path) -> str:
    """See `containers.saved.save`. Raises `EnvironmentFailure`."""
    with engine_failures():
        return saved.save(_patient(), name, file)


def load(file: Path, digest: str | None) -> str:
    """See `containers.saved.load`. Raises `EnvironmentFailure`."""
    with engine_failures():
        return saved.load(_patient(), file, digest)


def surplus(
    target: str | None, keep: int, pinned: Collection[str], settings: Settings
) -> tuple[HeldImage, ...]:
    """See `containers.pruning.surplus`; of one target, or of all. Raises `EnvironmentFailure`, and
    `UsageError` for a target that neither `settings` nor an image names."""
    images = [each for each in held() if target in (None, each.target)]
    if target is not None and not images:
        settings.target(target)  # says which there are
    return tuple(pruning.surplus(images, keep, pinned))


def keep(image: Image) -> None:
    """See `containers.pruning.keep`. Raises `EnvironmentFailure`."""
    with engine_failures():
        pruning.keep(connect(), image)


def remove(images: Collection[HeldImage]) -> Pruned:
    """See `containers.pruning.remove`. Raises `EnvironmentFailure`."""
    with engine_failures():
        return pruning.remove(_patient(), images)


def _patient() -> docker.DockerClient:
    client = connect()
    client.api.timeout = _PATIENCE_S
    return client
