"""Fixtures for all tests."""

from collections.abc import Iterator

import docker
import pytest

from containers.docker_engine import connect
from containers.errors import EngineUnavailable
from tests.need import need


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of a real Docker engine. In CI a missing one is a failure, elsewhere a skip."""
    try:
        client = connect()
    except EngineUnavailable as error:
        need(False, str(error))
        raise
    yield client
    client.close()
