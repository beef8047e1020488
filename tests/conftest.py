"""Fixtures for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from hypothesis import settings

from containers.docker_engine import connect
from containers.errors import EngineUnavailable
from tests import mounts
from tests.checkout import ROOT
from tests.need import need
from tests.postgresql import Server, programs
from tests.tmpfs import Tmpfs

# How long an example takes is no test: benchmarks are.
settings.register_profile("jaxrig", deadline=None)
settings.load_profile("jaxrig")

# Else pytest-benchmark is off in every session that a test starts.
os.environ.pop("PYTEST_XDIST_WORKER", None)

ALONE = (
    "benchmarks",
    "containers",
    "docker",
    "e2e",
    "faults",
    "harness/runner",
    "harness/store/test_retry.py",
    "workloads/test_guest.py",
    "workloads/test_guest_gpus.py",
    "workloads/test_guest_turns.py",
    "workloads/test_launch.py",
    "workloads/test_launch_devices.py",
    "workloads/test_measure.py",
    "workloads/test_pauses.py",
    "workloads/test_throttling.py",
    "workloads/test_storage.py",  # whoever else flushes a file, flushes its files as well
)
"""What measures, waits for a time, or has an engine or the disk to itself: not beside other tests.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is `ALONE`."""
    folders = [ROOT / "tests" / name for name in ALONE]
    for item in items:
        if any(item.path.is_relative_to(each) for each in folders):
            item.add_marker(pytest.mark.alone)


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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL server. In CI a missing one is a failure, elsewhere a skip."""
    found = programs()
    need(found, "PostgreSQL's server programs; on Debian: apt-get install postgresql")
    assert found is not None
    with Server(found) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: Server) -> Iterator[str]:
    """An empty database of PostgreSQL."""
    with postgresql.database() as url:
        yield url


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that does not exist yet."""
    return f"sqlite:///{tmp_path}/results.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest) -> str:
    """A database that does not exist yet, or holds nothing, of either kind."""
    fixture = {"sqlite": "url", "postgresql": "postgresql_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    """2 MiB. Needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        mounts.mount_tmpfs(folder, "size=2m")
    except OSError as error:
        need(False, f"the right to mount a tmpfs (root): {error}")
    yield Tmpfs(folder)
    mounts.unmount(folder)
