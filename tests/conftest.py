"""Fixtures for all tests."""

import os
from collections.abc import Iterator

import docker
import pytest

from containers.docker_engine import connect
from containers.errors import EngineUnavailable


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of a real Docker engine. In CI a missing one is a failure, elsewhere a skip."""
    try:
        client = connect()
    except EngineUnavailable as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a Docker engine: {error}")
        pytest.skip(str(error))
    yield client
    client.close()
