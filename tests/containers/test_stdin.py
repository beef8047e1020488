"""A launch that is told things while it runs, by either engine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import docker
import pytest

from containers.docker_engine import DockerEngine
from containers.engine import Engine, Running
from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from tests.checkout import ROOT
from tests.containers.running import WELL, read_all

ECHO = """
import sys
sys.stdout.write("ready\\n")
sys.stdout.flush()
for line in sys.stdin:
    sys.stdout.write(line.upper())
    sys.stdout.flush()
    if line == "enough\\n":
        break
"""


@pytest.fixture(params=["container", "process"])
def echo(
    request: pytest.FixtureRequest, docker_engine: DockerEngine, image: str
) -> AbstractContextManager[Running]:
    engine: Engine = docker_engine if request.param == "container" else ProcessEngine(ROOT)
    return engine.start(LaunchSpec(command=("-c", ECHO), image=image, stdin=True))


def read_line(running: Running) -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        chunk = running.read(30)
        assert chunk, text
        text += chunk
    return text


def test_what_is_written_arrives_at_once(echo: AbstractContextManager[Running]) -> None:
    with echo as running:
        assert read_line(running) == b"ready\n"
        for word in (b"one\n", b"two\n"):
            running.write(word)
            assert read_line(running) == word.upper()
        running.write(b"enough\n")
        assert read_all(running) == b"ENOUGH\n"
        assert running.wait(10) == WELL
        running.write(b"nobody listens\n")
        running.write(b"nobody listens\n")


def test_without_it_there_is_nothing_to_write_to(docker_engine: DockerEngine, image: str) -> None:
    spec = LaunchSpec(command=("-c", "import sys; print(repr(sys.stdin.read()))"), image=image)
    for engine in (docker_engine, ProcessEngine(ROOT)):
        with engine.start(spec) as running:
            with pytest.raises(ValueError, match="without stdin"):
                running.write(b"x")
            assert read_all(running) == b"''\n"


HARNESS = """
import sys, time
from containers.docker_engine import DockerEngine, connect
from containers.spec import LaunchSpec
running = DockerEngine(connect()).start(
    LaunchSpec(command=("-c", "import sys; sys.stdin.read()"), image=sys.argv[1], stdin=True)
)
print(running.name, flush=True)
time.sleep(60)
"""


@pytest.fixture
def orphan(engine: docker.DockerClient, image: str) -> Iterator[str]:
    """A container whose harness was killed while it waited for a word."""
    command = [sys.executable, "-c", HARNESS, image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert engine.containers.get(name).status == "running"
        os.kill(process.pid, signal.SIGKILL)
    yield name
    engine.containers.get(name).remove(force=True)


def test_a_launch_that_waits_ends_when_its_harness_is_gone(
    engine: docker.DockerClient, orphan: str
) -> None:
    deadline = time.monotonic() + 10
    while engine.containers.get(orphan).status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert engine.containers.get(orphan).attrs["State"]["ExitCode"] == 0
