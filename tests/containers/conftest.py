"""A small image with Python in it, made once a session."""

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from containers.docker_engine import DockerEngine, RunningContainer
from containers.images import Images
from containers.podman import is_podman
from containers.spec import LaunchSpec
from tests.checkout import ROOT
from tests.containers.running import Start
from tests.containers.workshop import Workshop

# Debian's base has only python3; what is started is `python`.
_WITH_PYTHON = """\
FROM {base}
RUN ln -sf "$(command -v python3)" /usr/local/bin/python
RUN mkdir -p /scratch && chown 65534:65534 /scratch
"""


@dataclass(frozen=True)
class Quiet:
    """Takes progress and forgets it."""

    def __call__(self, line: str) -> None: ...


@pytest.fixture(scope="session")
def base(engine: docker.DockerClient) -> str:
    """The default base image, pulled or made where the engine lacks it."""
    return Images(engine, ROOT / "workloads", Quiet()).base()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient, base: str) -> Iterator[str]:
    """An image in which `python` starts."""
    dockerfile = _WITH_PYTHON.format(base=base).encode()
    tag = f"jaxrig-test/python:{uuid.uuid4().hex}"  # test sessions may share an engine
    built, _ = engine.images.build(
        fileobj=io.BytesIO(dockerfile), tag=tag, network_mode="host", rm=True, forcerm=True
    )
    yield str(built.id)
    engine.images.remove(tag)


@pytest.fixture
def docker_engine(engine: docker.DockerClient) -> DockerEngine:
    return DockerEngine(engine)


@pytest.fixture(scope="session")
def podman(engine: docker.DockerClient) -> bool:
    """Whether it is Podman that answers: see test_engines.py."""
    return is_podman(engine)


@pytest.fixture
def start(docker_engine: DockerEngine, image: str) -> Start:
    def call(program: str, *words: str, **spec: Any) -> RunningContainer:
        return docker_engine.start(LaunchSpec(command=("-c", program, *words), image=image, **spec))

    return call


@pytest.fixture
def workshop(engine: docker.DockerClient, tmp_path: Path, image: str) -> Iterator[Workshop]:
    made = Workshop(engine, tmp_path, image)
    yield made
    made.clean()
