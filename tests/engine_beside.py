"""An engine of the tests' own beside the one that there is: its images and containers lie in its
folder, and are gone with it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import docker

PATIENCE_S = 30.0


class EngineBeside:
    """Answers at `host` as Docker does, once it is entered. A kind of engine says which `command`
    serves there, what that needs, and how it is cleaned up."""

    user: int | None = None
    """Whose it is; None: root's."""

    def __init__(self, kind: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"jaxrig-{kind}-", dir="/var/tmp"))
        self.host = f"unix://{self.folder}/engine.sock"
        self._service: subprocess.Popen[bytes] | None = None
        self._client: docker.DockerClient | None = None

    def command(self) -> tuple[str, ...]:
        raise NotImplementedError

    def prepare(self) -> None:
        """What is to do before anything serves."""

    def clean(self) -> None:
        """What is to do once nothing serves, before the folder goes."""

    def __enter__(self) -> Self:
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        try:
            self.prepare()
            with (self.folder / "log").open("wb") as log:
                self._service = subprocess.Popen(
                    self.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    user=self.user,
                    group=self.user,
                    cwd=self.folder,  # conmon leaves a file `oom` where it is called
                    env={
                        **os.environ,
                        "HOME": str(self.folder),
                        "XDG_RUNTIME_DIR": str(self.folder),
                    },
                    start_new_session=True,
                )
            self._wait(self._service)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
        if self._service is not None:
            os.killpg(self._service.pid, signal.SIGTERM)  # a rootless one starts itself anew
            self._service.wait(PATIENCE_S)
        self.clean()
        shutil.rmtree(self.folder)

    @property
    def client(self) -> docker.DockerClient:
        assert self._client is not None
        return self._client

    def take(self, other: docker.DockerClient, name: str, tag: str | None = None) -> None:
        """An image of another engine, under the same name, or as `tag`."""
        (image,) = self.client.images.load(b"".join(other.images.get(name).save(named=name)))
        if tag is not None:
            image.tag(*tag.rsplit(":", 1))

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host}

    def _wait(self, service: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline or service.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)
        self._client = docker.DockerClient(base_url=self.host, timeout=120)

    def _answers(self) -> bool:
        """Whether it takes connections: the SDK leaves those open that it was refused."""
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(self.host.removeprefix("unix://")) == 0
