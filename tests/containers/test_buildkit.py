"""BuildKit, the other builder of Docker's engine, makes the same of the Dockerfiles.

It is asked through the engine's API: the command line needs a plugin for it that Debian has not.
"""

import io
import json
import re
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import docker
import pytest

from containers.host import host_ca
from tests.checkout import ROOT

Build = Callable[[str, Mapping[str, bytes], Mapping[str, str]], str]

STACKS = ("cpu", "cuda")


@pytest.fixture(scope="module")
def build(engine: docker.DockerClient) -> Iterator[Build]:
    """Builds a Dockerfile with its context and arguments; the tag of the image."""
    name, tags = f"jaxrig-test/buildkit-{uuid.uuid4().hex[:8]}", list[str]()

    def call(dockerfile: str, context: Mapping[str, bytes], arguments: Mapping[str, str]) -> str:
        tag = f"{name}:{len(tags)}"
        files = {"Dockerfile": (ROOT / "docker" / dockerfile).read_bytes(), **context}
        with served(archive(files)) as address:
            _build(engine, tag, address, arguments)
        tags.append(tag)
        return tag

    yield call
    for tag in reversed(tags):
        engine.images.remove(tag)


def _build(
    client: docker.DockerClient, tag: str, context: str, arguments: Mapping[str, str]
) -> None:
    """`context`: where an archive of it is fetched from."""
    wanted = {
        "version": "2",  # the builder's: https://docs.docker.com/reference/api/engine/
        "remote": context,
        "t": tag,
        "networkmode": "host",
        "buildargs": json.dumps(dict(arguments)),
    }
    address = f"{client.api.base_url}/v{client.api.api_version}/build"
    answer = client.api.post(address, params=wanted, stream=True)
    assert answer.status_code == 200, answer.text
    for line in answer.iter_lines():
        told = json.loads(line)
        assert "error" not in told, told


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest, build: Build, base: str) -> str:
    """With one of its requirements: whether all can be had is another question."""
    pins = (ROOT / "docker" / f"{request.param}.requirements.txt").read_text()
    pinned = re.search(r"(?m)^packaging==.*\n(?: .*\n)+", pins)
    assert pinned is not None
    context = {"requirements.txt": pinned[0].encode(), "host-ca.pem": host_ca()}
    return build(f"{request.param}.Dockerfile", context, {"BASE": base})


def test_every_layer_is_built(engine: docker.DockerClient, build: Build, stack: str) -> None:
    required = build(
        "requirements.Dockerfile",
        {
            "requirements.txt": b"packaging\n",  # it is there already
            "missing.py": (ROOT / "docker" / "missing.py").read_bytes(),
            "host-ca.pem": host_ca(),
        },
        {"STACK": stack},
    )
    image = build(
        "workloads.Dockerfile", {"workloads/__init__.py": b"VALUE = 1\n"}, {"STACK": required}
    )
    own = build("own.Dockerfile", {"own/mine.py": b"VALUE = 2\n"}, {"IMAGE": image})
    program = (
        "import os, sys; sys.path.append('/opt/own'); import mine, packaging, workloads;"
        "print(workloads.VALUE, mine.VALUE, os.getuid(), os.path.exists('/build/host-ca.pem'))"
    )
    said: bytes = engine.containers.run(
        own, ["python", "-c", program], network_mode="none", remove=True
    )
    assert said.decode().split() == ["1", "2", "65534", "False"]


def archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """The address at which an engine on this machine fetches it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-tar")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/context.tar"
        finally:
            server.shutdown()
