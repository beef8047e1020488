"""Launches are held to their limits by cgroups of version 2, in a machine that has no others."""

import os
import shlex
import sys
from pathlib import Path

import docker
import pytest

from tests.checkout import ROOT
from tests.need import need
from tests.virtual.machine import run_inside

PROGRAM = """\
set -e
export PYTHONPATH={root} JAXRIG_PYTHON={python} PYTHONDONTWRITEBYTECODE=1
cd {root}
docker/engine.sh start
{python} - <<'PYTHON'
import docker

client = docker.from_env(timeout=600)
with open("/shared/base.tar", "rb") as file:
    client.images.load(file)
info = client.info()
print("CGROUPS", info["CgroupVersion"], "DOCKER", info["ServerVersion"])
PYTHON
{python} -m pytest -q -p no:cacheprovider tests/containers/test_hardening.py
"""


@pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)
def test_a_launch_has_its_limits(engine: docker.DockerClient, base: str, tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, whose files the machine has")
    with (tmp_path / "base.tar").open("wb") as file:
        file.writelines(engine.images.get(base).save(named=base))
    words = {"root": shlex.quote(str(ROOT)), "python": shlex.quote(sys.executable)}
    told = run_inside(tmp_path, PROGRAM.format(**words), timeout_s=1800)
    assert "CGROUPS 2 DOCKER" in told
    assert " passed" in told
