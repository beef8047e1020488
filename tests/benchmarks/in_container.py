"""Runs a benchmark's inner half in a container, and reads what it says.

The half is a pytest file of this folder; a line `RESULT {...}` of its output is one result.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

_MARK = "RESULT "


def results(
    client: docker.DockerClient, image: str, half: str, env: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """What `half` (a file name in this folder) says, run by pytest in `image`."""
    program = Path(__file__).with_name(half)
    inside = f"/bench/{half}"
    container = client.containers.run(
        image,
        ["python", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", inside],
        environment={"HOME": "/tmp", "JAX_PLATFORMS": "cpu", **(env or {})},
        volumes={str(program): {"bind": inside, "mode": "ro"}},
        network_mode="none",
        detach=True,
    )
    try:
        status = container.wait()["StatusCode"]
        out = container.logs().decode()
    finally:
        container.remove(force=True)
    assert status == 0, out
    return read(out)


def read(out: str) -> list[dict[str, Any]]:
    """The results in what a half printed."""
    found = [json.loads(line.partition(_MARK)[2]) for line in out.splitlines() if _MARK in line]
    assert found, out
    return found
