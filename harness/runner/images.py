"""Images apart from runs: what the engine holds, into files and back."""

from pathlib import Path

import docker

from containers import saved
from containers.docker_engine import connect
from containers.saved import HeldImage
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


def _patient() -> docker.DockerClient:
    client = connect()
    client.api.timeout = _PATIENCE_S
    return client
