"""A real Podman of the tests' own, which answers as Docker does: its images and containers lie in
its folder, and are gone with it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import docker

_PATIENCE_S = 30.0


class Podman:
    """Answers at `host`. With runc and cgroupfs, which a root without systemd needs."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jaxrig-podman-", dir="/var/tmp"))
        self.host = f"unix://{self.folder}/podman.sock"
        self._command = (
            *("podman", "--root", str(self.folder / "root")),
            *("--runroot", str(self.folder / "run"), "--tmpdir", str(self.folder / "tmp")),
            *("--runtime", "runc", "--cgroup-manager", "cgroupfs"),
        )
        self._service: subprocess.Popen[bytes] | None = None
        self._client: docker.DockerClient | None = None

    def __enter__(self) -> Self:
        words = ("system", "service", "--time=0", self.host)
        with (self.folder / "log").open("wb") as log:
            self._service = subprocess.Popen(
                (*self._command, *words),
                cwd=self.folder,  # conmon leaves a file `oom` where it is called
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
        if self._service is not None:
            self._service.terminate()
            self._service.wait(_PATIENCE_S)
        # `system reset` would take networks along that are not in this folder.
        for words in (("rm", "--force", "--all"), ("rmi", "--force", "--all")):
            subprocess.run((*self._command, *words), capture_output=True, check=True)
        layers = self.folder / "root" / "overlay"
        if layers.is_mount():
            subprocess.run(("umount", str(layers)), check=True)
        shutil.rmtree(self.folder)

    def take(self, other: docker.DockerClient, name: str) -> None:
        """An image of another engine, under the same name."""
        assert self._client is not None
        self._client.images.load(b"".join(other.images.get(name).save(named=name)))

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host}

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)
        self._client = docker.DockerClient(base_url=self.host, timeout=120)

    def _answers(self) -> bool:
        """Whether it takes connections: the SDK leaves those open that it was refused."""
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(self.host.removeprefix("unix://")) == 0
