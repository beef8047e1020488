"""An engine that is killed in the middle of a run: a real one, started for this test."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from containers.images import known_base
from tests.command import Jaxrig
from tests.faults.test_interrupts import start_and_wait_for_a_measurement
from tests.mounts import unmount
from tests.need import need


class OwnEngine:
    """A dockerd with a folder and socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> docker.DockerClient:
        """Starts it; also after a kill, over what it left."""
        (self.folder / "pid").unlink(missing_ok=True)
        options = {
            "host": self.host,
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "pid",
            "bridge": "none",
            "iptables": "false",
            "ip6tables": "false",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", *(f"--{name}={value}" for name, value in options.items())],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(240):
            if _answers(self.folder / "docker.sock"):
                return docker.DockerClient(base_url=self.host, timeout=600)
            time.sleep(0.25)
        self._process.kill()
        self._process.wait()
        pytest.fail(f"the second engine did not start:\n{(self.folder / 'log').read_text()}")

    def kill(self) -> None:
        """As a crash would: no clean-up at all.

        Its containerd ends by itself a moment later; an engine that is started before takes it
        for a living one, and gives up.
        """
        assert self._process is not None
        containerd = (self.folder / "exec/containerd/containerd.pid").read_text().strip()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + 60
        while Path("/proc", containerd).exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        """Leaves no container, no process of one, and no mount (a killed dockerd leaves its)."""
        assert self._process is not None
        if self._process.poll() is not None:
            self.start().close()
        with closing(docker.DockerClient(base_url=self.host, timeout=60)) as client:
            for container in client.containers.list(all=True):
                container.remove(force=True)
        self._process.terminate()
        self._process.wait(60)
        for mount in self._mounts():
            unmount(Path(mount))

    def _mounts(self) -> list[str]:
        """What is mounted below the folder, the innermost first."""
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return sorted((each for each in points if each.startswith(f"{self.folder}/")), reverse=True)


def _answers(path: Path) -> bool:
    """A dockerd accepts connections for a while before it serves them."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return probe.recv(12).endswith(b" 200")
        except OSError:
            return False


@pytest.fixture
def own_engine(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient
) -> Iterator[OwnEngine]:
    need(os.geteuid() == 0, "starting a second engine needs root")
    own = OwnEngine(tmp_path_factory.mktemp("engine"))
    with closing(own.start()) as client:
        try:
            for tag in (known_base(engine), stack(engine)):
                assert tag is not None
                client.images.load(engine.images.get(tag).save(named=tag))  # type: ignore[arg-type]
            yield own
        finally:
            own.stop()


def stack(engine: docker.DockerClient) -> str:
    """The newest stack of the CPU target."""
    return str(engine.images.list("jaxrig/cpu-stack")[0].tags[0])


def test_an_engine_that_dies_is_said_and_the_next_run_recovers(
    tmp_path: Path, own_engine: OwnEngine
) -> None:
    jaxrig = Jaxrig(folder=tmp_path, env={"DOCKER_HOST": own_engine.host})
    running = start_and_wait_for_a_measurement(jaxrig)
    own_engine.kill()
    _, err = running.communicate(timeout=60)

    assert running.returncode == 5, err
    assert "the engine stopped answering" in err
    run = jaxrig.json("show", "latest")
    assert run["status"] == "failed"
    assert len(run["measurements"]) >= 1
    assert [each["kind"] for each in run["failures"]] == ["engine"]

    own_engine.start().close()
    done = jaxrig("run", "--case", "matmul/256/f32", "--launches", "1")
    assert done.code == 0, done.err
    assert "removed 1 container(s)" in done.err
