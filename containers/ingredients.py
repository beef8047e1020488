"""What an image was made of, as hashes that it carries itself: whoever has the image has them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import docker
from docker.errors import DockerException

from containers.errors import EngineUnavailable

DOCKERFILE_LABEL = "jaxrig.dockerfile-sha256"
REQUIREMENTS_LABEL = "jaxrig.requirements-sha256"

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """sha256 of the target's Dockerfile and of its pinned requirements. None where there were none,
    or where the image does not say: it is older than these labels, or not jaxrig's."""

    dockerfile_sha256: str | None = None
    requirements_sha256: str | None = None


def labels_of(context: Mapping[str, bytes]) -> dict[str, str]:
    """What a stack is marked with that is built of these files; images on top of it inherit it."""
    named = {DOCKERFILE_LABEL: "Dockerfile", REQUIREMENTS_LABEL: "requirements.txt"}
    return {
        label: hashlib.sha256(context[name]).hexdigest()
        for label, name in named.items()
        if name in context
    }


def ingredients_of(client: docker.DockerClient, digest: str) -> Ingredients:
    """What the image says of itself. Raises `EngineUnavailable`."""
    try:
        labels = client.images.get(digest).labels
    except DockerException as error:
        raise EngineUnavailable(f"the engine failed at image {digest}: {error}") from error
    return Ingredients(
        dockerfile_sha256=_hash(labels.get(DOCKERFILE_LABEL)),
        requirements_sha256=_hash(labels.get(REQUIREMENTS_LABEL)),
    )


def _hash(label: str | None) -> str | None:
    """Anybody can label an image: what is no hash says nothing."""
    return label if label is not None and _SHA256.fullmatch(label) else None
