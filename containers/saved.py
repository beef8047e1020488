"""Images in files: what an engine holds, saved to a file and brought back as the same image.

An image's digest is the hash of its configuration, which names its layers by their hashes; where
the engine keeps images in containerd's store, that of its manifest, which names both. Who has the
digest can tell whether a file holds that image, whoever had the file meanwhile.
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
from containers.podman import familiar, is_podman

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
                size_bytes=size_bytes,
                created_at=datetime.fromisoformat(image.attrs["Created"]),
            )
            for image, size_bytes in _labelled(client)
            for tag in _names(image)[:1]
        ]
    return sorted(images, key=lambda each: (each.created_at, each.tag), reverse=True)


def _labelled(client: docker.DockerClient) -> Iterator[tuple[Model, int]]:
    """With sizes as listed: by itself, containerd's store tells that of the packed layers. Others
    may remove images while these are looked up one by one."""
    for summary in client.api.images(filters={"label": TARGET_LABEL}):
        try:
            image = client.images.get(summary["Id"])
        except ImageNotFound:
            continue
        yield image, int(summary["Size"])


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
    """Brings the image in `file` back: its digest in this engine, which may be another one than in
    the engine that it was saved from. `digest`: what it must be in either, or how that begins.

    Raises `ImageUnavailable` for a file that holds something else; the engine is not given it.
    """
    with file.open("rb") as archive:
        within = _within(archive, file)
        names = " alias ".join(within.digests)
        if not any(each.startswith(_whole(digest or "")) for each in within.digests):
            raise ImageUnavailable(f"{file} holds image {names}, and not {digest}")
        archive.seek(0)
        with failures(f"load {file}"):
            loaded = client.images.load(archive)
    for image in loaded:
        # Where a file has no manifest, containerd's store makes one, whose digest is news.
        if tuple(image.attrs["RootFS"]["Layers"]) == within.layers:
            with failures(f"name what {file} holds"):
                _rename(client, image)
            return str(image.id)
    raise ImageUnavailable(f"{file}: the engine made another image of it than {names}")


def _rename(client: docker.DockerClient, image: Model) -> None:
    """What Podman saved has Podman's names, which other engines take as they are."""
    for tag in () if is_podman(client) else image.tags:
        if familiar(tag) != tag:
            image.tag(*familiar(tag).rsplit(":", 1))
            client.images.remove(tag)


def _whole(digest: str) -> str:
    return digest if digest.startswith("sha256:") else f"sha256:{digest}"


@dataclass(frozen=True, kw_only=True)
class _Within:
    """The image in a file. `digests`: the hash of its configuration, and of its manifest where the
    file has one. `layers`: the hashes of what they unpack to, the lowest first."""

    digests: tuple[str, ...]
    layers: tuple[str, ...]


def _within(archive: IO[bytes], file: Path) -> _Within:
    """The only image in a saved file. Raises `ImageUnavailable`: not one that jaxrig built, or tags
    that would take another's place."""
    try:
        with tarfile.open(fileobj=archive) as tar:
            (entry,) = json.loads(_read(tar, "manifest.json"))
            config = _read(tar, str(entry["Config"]))
            tags = [familiar(str(tag)) for tag in entry["RepoTags"] or ()]
            told = json.loads(config)
            labels: dict[str, Any] = told["config"]["Labels"] or {}
            _check_ours(file, tags, labels)
            own = _digest(config)
            return _Within(
                digests=(own, *_manifests(tar, own)), layers=tuple(told["rootfs"]["diff_ids"])
            )
    except (tarfile.TarError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ImageUnavailable(f"{file} is no saved image: {error}") from error


def _check_ours(file: Path, tags: list[str], labels: dict[str, Any]) -> None:
    if TARGET_LABEL not in labels or not all(tag.startswith(PREFIX) for tag in tags):
        raise ImageUnavailable(
            f"{file} holds {', '.join(tags) or 'an image'}, which jaxrig did not build; "
            "`docker load` takes in any image"
        )


def _manifests(tar: tarfile.TarFile, config: str) -> Iterator[str]:
    """Digests of the manifests that have this configuration. Engines before 25 write none.
    https://github.com/opencontainers/image-spec/blob/main/image-layout.md"""
    if "index.json" not in tar.getnames():
        return
    for each in json.loads(_read(tar, "index.json"))["manifests"]:
        name = str(each["digest"]).removeprefix("sha256:")
        manifest = _read(tar, f"blobs/sha256/{name}")
        if json.loads(manifest)["config"]["digest"] == config:
            yield _digest(manifest)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


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
