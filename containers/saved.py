"""Images in files: what an engine holds, saved to a file and brought back as the same image.

An image's digest is the hash of its configuration, which names its layers by their hashes: who has
the digest can tell whether a file holds that image, whoever had the file meanwhile.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.images import Image as Model

from containers.errors import EngineUnavailable, ImageUnavailable
from containers.images import TARGET_LABEL, find_image
from containers.podman import familiar

PREFIX = "jaxrig/"
"""Of the tags that jaxrig gives."""
_MOST_CONFIG_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True)
class HeldImage:
    """An image that jaxrig built and the engine holds. `tag`: the first of its `tags`.
    `size_bytes`: with the layers that it shares with others."""

    digest: str
    tag: str
    tags: tuple[str, ...]
    target: str
    size_bytes: int
    created_at: datetime


def held(client: docker.DockerClient) -> list[HeldImage]:
    """The newest first; stages that are no image of their own (without a tag) are left out."""
    with failures("list its images"):
        images = [
            HeldImage(
                digest=str(image.id),
                tag=familiar(tag),
                tags=tuple(map(familiar, image.tags)),
                target=str(image.labels[TARGET_LABEL]),
                size_bytes=int(image.attrs["Size"]),
                created_at=datetime.fromisoformat(image.attrs["Created"]),
            )
            for image in _labelled(client)
            for tag in _names(image)[:1]
        ]
    return sorted(images, key=lambda each: (each.created_at, each.tag), reverse=True)


def _labelled(client: docker.DockerClient) -> Iterator[Model]:
    """Others may remove images while these are looked up one by one."""
    for summary in client.api.images(filters={"label": TARGET_LABEL}):
        try:
            image = client.images.get(summary["Id"])
        except ImageNotFound:
            continue
        yield image


def _names(image: Model) -> list[str]:
    """Its tags, those first that it was built with."""
    return sorted(image.tags, key=lambda tag: not familiar(tag).startswith(PREFIX))


def save(client: docker.DockerClient, name: str, file: Path) -> str:
    """Writes the image of a digest (or its beginning) or tag to a new file: its digest.

    Raises `ImageUnavailable` where the engine does not hold it or the file exists.
    """
    if file.exists():
        raise ImageUnavailable(f"{file} exists; name another file")
    with failures(f"find {name}"):
        image = client.images.get(find_image(client, name).digest)
    partial = file.with_name(f"{file.name}.partial")
    try:
        with failures(f"save {name}"), partial.open("wb") as out:
            ours = [tag for tag in image.tags if familiar(tag).startswith(PREFIX)]
            out.writelines(image.save(named=ours[0] if ours else False))
            out.flush()
            os.fsync(out.fileno())
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return str(image.id)


def load(client: docker.DockerClient, file: Path, digest: str | None) -> str:
    """Brings the image in `file` back: its digest. `digest`: what it must be, or how that begins.

    Raises `ImageUnavailable` for a file that holds something else; the engine is not given it.
    """
    with file.open("rb") as archive:
        found = _digest_within(archive, file)
        if digest is not None and not found.startswith(_whole(digest)):
            raise ImageUnavailable(f"{file} holds image {found}, and not {digest}")
        archive.seek(0)
        with failures(f"load {file}"):
            loaded = client.images.load(archive)
    if found not in [str(image.id) for image in loaded]:
        raise ImageUnavailable(f"{file}: the engine made another image of it than {found}")
    return found


def _whole(digest: str) -> str:
    return digest if digest.startswith("sha256:") else f"sha256:{digest}"


def _digest_within(archive: IO[bytes], file: Path) -> str:
    """What the only image in a saved file is. Raises `ImageUnavailable`: not one that jaxrig built,
    or tags that would take another's place."""
    try:
        with tarfile.open(fileobj=archive) as tar:
            (entry,) = json.loads(_read(tar, "manifest.json"))
            config = _read(tar, str(entry["Config"]))
            tags = [familiar(str(tag)) for tag in entry["RepoTags"] or ()]
            labels: dict[str, Any] = json.loads(config)["config"]["Labels"] or {}
    except (tarfile.TarError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ImageUnavailable(f"{file} is no saved image: {error}") from error
    if TARGET_LABEL not in labels or not all(tag.startswith(PREFIX) for tag in tags):
        raise ImageUnavailable(
            f"{file} holds {', '.join(tags) or 'an image'}, which jaxrig did not build; "
            "`docker load` takes in any image"
        )
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    content = tar.extractfile(member)
    if content is None or member.size > _MOST_CONFIG_BYTES:
        raise ValueError(f"{name} is no file, or too large")
    return content.read()


@contextmanager
def failures(what: str) -> Iterator[None]:
    """The SDK's errors as an engine's."""
    try:
        yield
    except APIError as error:
        raise ImageUnavailable(f"the engine would not {what}: {error.explanation}") from error
    except DockerException as error:
        raise EngineUnavailable(f"the engine failed to {what}: {error}") from error
