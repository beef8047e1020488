"""Which of the images that jaxrig built are surplus, and their removal."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

import docker
from docker.errors import APIError

from containers.images import Image
from containers.podman import is_podman
from containers.saved import PREFIX, HeldImage, failures, held


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What went, what could not because a container uses it, and how many bytes the engine holds
    less than before: None where it does not tell, as Podman."""

    gone: tuple[HeldImage, ...]
    in_use: tuple[HeldImage, ...]
    freed_bytes: int | None


ANCHORS = "jaxrig-anchors"
"""Tags that begin so are on images that nights were measured with: not only those who have the
database with these nights leave them alone."""


def keep(client: docker.DockerClient, image: Image) -> None:
    """Gives an image a tag by which no pruning takes it. Raises like `remove`."""
    name, _, number = image.tag.removeprefix(PREFIX).rpartition(":")
    with failures(f"tag {image.digest}"):
        client.images.get(image.digest).tag(f"{ANCHORS}/{name}", number)


def surplus(images: Iterable[HeldImage], keep: int, pinned: Collection[str]) -> Iterator[HeldImage]:
    """All but the newest `keep` of each target, and of each part that is built below its image.

    `images`: the newest first. `pinned`: digests (or their beginnings) and tags of what stays;
    so does what somebody gave a tag of their own.
    """
    seen: Counter[str] = Counter()
    for image in images:
        name = image.tag.rpartition(":")[0]
        seen[name] += 1
        if seen[name] > keep and not _is_pinned(image, pinned):
            yield image


def remove(client: docker.DockerClient, images: Iterable[HeldImage]) -> Pruned:
    """Takes the tags of `images` away, and with them every layer that no other image needs.

    Raises `ImageUnavailable` or `EngineUnavailable`.
    """
    before = _held_bytes(client)
    gone: list[HeldImage] = []
    in_use: list[HeldImage] = []
    for image in images:
        (gone if _removed(client, image) else in_use).append(image)
    after = _held_bytes(client)
    freed_bytes = None if before is None or after is None else max(0, before - after)
    return Pruned(gone=tuple(gone), in_use=tuple(in_use), freed_bytes=freed_bytes)


def discard(client: docker.DockerClient, target: str) -> None:
    """Removes all images of a target, pinned or not. Raises like `remove`."""
    for image in held(client):
        if image.target == target:
            _removed(client, image)


def _is_pinned(image: HeldImage, pinned: Collection[str]) -> bool:
    if not all(tag.startswith(PREFIX) for tag in image.tags):
        return True
    names = (image.digest, image.digest.removeprefix("sha256:"))
    return any(
        name in image.tags or any(each.startswith(name) for each in names) for name in pinned
    )


def _removed(client: docker.DockerClient, image: HeldImage) -> bool:
    """Whether it went; False where a container uses it."""
    with failures(f"remove {image.tag}"):
        try:
            for tag in image.tags:
                client.images.remove(tag)
        except APIError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return False
            raise
    return True


def _held_bytes(client: docker.DockerClient) -> int | None:
    """Of all layers, each counted once: images share them."""
    with failures("say how much it holds"):
        return None if is_podman(client) else int(client.df()["LayersSize"])
