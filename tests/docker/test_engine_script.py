"""docker/engine.sh: uses what answers, starts what does not, stops only what it started."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import docker

from tests.checkout import ROOT
from tests.need import need

SCRIPT = ROOT / "docker" / "engine.sh"
NO_ENGINE = 5

# A mount namespace in which no engine answers and none has left anything.
PRIVATE = """
set -eu
"$JAXRIG_PYTHON" -m tests.mounts /run /var/lib/docker
"""
LIFE = """
"$SCRIPT" start
"$SCRIPT" start
"$SCRIPT" status
"$SCRIPT" stop
code=0
"$SCRIPT" status || code=$?
echo "after stop: $code"
"$SCRIPT" stop
"""


def script(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JAXRIG_PYTHON": sys.executable, **changes}
    return subprocess.run(
        [str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False
    )


def test_an_engine_that_answers_is_used(engine: docker.DockerClient, tmp_path: Path) -> None:
    done = script("start", JAXRIG_ENGINE_STATE=str(tmp_path))
    assert done.returncode == 0
    assert "an engine answers" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_docker_host_is_respected_and_never_replaced(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/no.sock"
    done = script("start", DOCKER_HOST=host, JAXRIG_ENGINE_STATE=str(tmp_path / "state"))
    assert done.returncode == NO_ENGINE
    assert f"no Docker engine answers at {host}" in done.stderr
    assert "--isolation process" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_python_without_the_sdk_is_told_apart_from_no_engine(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    for word in ("start", "status"):
        done = script(word, JAXRIG_PYTHON=str(bare), JAXRIG_ENGINE_STATE=str(tmp_path / "state"))
        assert done.returncode == NO_ENGINE
        assert "no Docker SDK to ask with: set JAXRIG_PYTHON" in done.stderr
        assert not (tmp_path / "state").exists()


def test_stop_spares_a_process_that_it_did_not_start(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (tmp_path / "dockerd.started").write_text(f"{bystander.pid} 1\n")
        done = script("stop", JAXRIG_ENGINE_STATE=str(tmp_path))
        assert done.returncode == 0
        assert "nothing to stop" in done.stderr
        assert bystander.poll() is None
        bystander.kill()


def test_an_unknown_word_is_usage() -> None:
    done = script("restart")
    assert done.returncode == 2
    assert "docker/engine.sh start" in done.stderr


def in_private_namespace(commands: str, **changes: str) -> subprocess.CompletedProcess[str]:
    need(os.geteuid() == 0 and shutil.which("dockerd"), "root, and an installed dockerd")
    environment = {
        **os.environ,
        "JAXRIG_PYTHON": sys.executable,
        "SCRIPT": str(SCRIPT),
        **changes,
    }
    environment.pop("DOCKER_HOST", None)
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", PRIVATE + commands],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_engine_is_started_once_and_stopped(engine: docker.DockerClient) -> None:
    done = in_private_namespace(LIFE)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("jaxrig engine: ")]
    words = ["starting dockerd", "started", "an engine answers", "answers; started by"]
    words += ["stopped", "no Docker engine answers", "nothing to stop"]
    assert len(said) == len(words), done.stderr
    for line, word in zip(said, words, strict=True):
        assert word in line
    assert f"after stop: {NO_ENGINE}" in done.stdout
    assert engine.ping()  # the engine outside was left alone


def test_nothing_is_started_where_that_is_forbidden(engine: docker.DockerClient) -> None:
    done = in_private_namespace('"$SCRIPT" start', JAXRIG_NO_INSTALL="1")
    assert done.returncode == NO_ENGINE
    assert "no Docker engine answers" in done.stderr
    assert "starting" not in done.stderr
