"""The images that are compared: jaxrig's own, the same with ballast, and one with the peers."""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import BuildError

from containers.host import host_ca

HERE = Path(__file__).parent
GUEST = HERE / "guest"

Amounts = Mapping[str, Mapping[str, int]]
"""By share, by case."""


def loaded(client: docker.DockerClient, image: str, amounts: Amounts, share: str) -> str:
    """The digest of `image` with so much ballast; of share `0`, with what serves to measure it."""
    arguments = {"IMAGE": image, "SHARE": share}
    return _build(client, "loaded.Dockerfile", amounts, arguments)


def with_peers(client: docker.DockerClient, image: str, amounts: Amounts, share: str) -> str:
    """The digest of `image` with the peers. Its commit `slower` has ballast of `share`."""
    return _build(client, "peers.Dockerfile", amounts, {"IMAGE": image, "SHARE": share})


def _build(
    client: docker.DockerClient, dockerfile: str, amounts: Amounts, arguments: Mapping[str, str]
) -> str:
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        verdicts = context / "verdicts"
        shutil.copytree(GUEST, verdicts / "guest", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(HERE / "__init__.py", verdicts)
        (verdicts / "guest" / "amounts.json").write_text(json.dumps(amounts, sort_keys=True))
        shutil.copy(GUEST / "peers.requirements.txt", context)
        (context / "host-ca.pem").write_bytes(host_ca())
        try:
            image, _ = client.images.build(
                path=name,
                dockerfile=str(verdicts / "guest" / dockerfile),
                buildargs=dict(arguments),
                network_mode="host",  # the engine may run without a bridge
                rm=True,
                forcerm=True,
            )
        except BuildError as error:
            sys.stderr.writelines(line.get("stream", "") for line in error.build_log)
            raise
    return str(image.id)
