"""What the tests of containers do with a started one."""

from collections.abc import Callable
from typing import Any

import docker

from containers.docker_engine import RunningContainer
from containers.engine import Exit, Running

SLEEP = "import time; time.sleep(60)"
WELL = Exit(code=0, out_of_memory=False)

Start = Callable[..., RunningContainer]
"""Starts a Python program: `start(program, *words, **fields of the LaunchSpec)`."""


def read_all(running: Running) -> bytes:
    text = b""
    while chunk := running.read(30):
        text += chunk
    return text


def attributes(client: docker.DockerClient, running: RunningContainer) -> dict[str, Any]:
    found: dict[str, Any] = client.containers.get(running.name).attrs
    return found
