"""Pinned requirements with another version of JAX: chosen once by pip in the engine, and kept."""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import docker

from containers.assets import assets
from containers.errors import ImageUnavailable

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;[^\\\n]*)?", re.MULTILINE)
_OF_JAX = re.compile(r"jax|jaxlib|jax-.*|libtpu")
_EXTRAS = (
    (re.compile(r"jax-(cuda\d+)-plugin"), r"\1"),
    (re.compile(r"jax-(rocm\d+)-plugin"), r"\1-local"),
    (re.compile(r"libtpu"), "tpu"),
)
"""Of JAX, by what they bring along in the version that goes with it."""
_NEEDED = re.compile(r"ml-dtypes|numpy|opt-einsum|scipy|nvidia-(?!ml-py$).*")
"""What versions of JAX need others of, and bring along: of NVIDIA's packages all but the bindings
to its management library, which nothing else asks for."""
_LOCK = "lock.txt"

Build = Callable[[Mapping[str, bytes]], str]
"""Builds a context into an image; its digest."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """`jax`: the version. `requirements`: pinned ones, of which all stay as they are but JAX and,
    where it needs others, what it needs. `base`, `architecture`: what they are chosen for."""

    jax: str
    requirements: bytes
    base: str
    architecture: str

    @property
    def name(self) -> str:
        """Of the file that keeps it: another one for whatever it was chosen by."""
        parts = (self.requirements, self.base.encode(), self.architecture.encode())
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        return f"jax-{self.jax}-{hashlib.sha256(whole).hexdigest()[:20]}"

    def ensure(self, client: docker.DockerClient, build: Build) -> bytes:
        """Requirements with hashes, as they were chosen the first time. The image that they are
        chosen in goes again. Raises what `build` does, and `ImageUnavailable` where they cannot be
        kept."""
        if (kept := self.kept()) is not None:
            return kept
        path = self._path
        with _kept_in(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        image = build(self.context())
        try:
            chosen = _file_of(client, image)
        finally:
            client.images.remove(image, force=True)
        with _kept_in(path.parent):  # the whole of it or nothing, whoever else writes it
            beside = path.with_name(f"{path.name}.{os.getpid()}")
            beside.write_bytes(chosen)
            beside.replace(path)
        return chosen

    def kept(self) -> bytes | None:
        """As they were chosen; None where they never were."""
        return self._path.read_bytes() if self._path.is_file() else None

    @property
    def _path(self) -> Path:
        return _folder() / f"{self.name}.txt"

    def context(self) -> dict[str, bytes]:
        """Of the build that chooses."""
        names = {"Dockerfile": "lock.Dockerfile", "missing.py": "missing.py"}
        files = {name: (assets() / source).read_bytes() for name, source in names.items()}
        pins = dict(_pins(self.requirements.decode()))
        needed = {name: line for name, line in pins.items() if _NEEDED.fullmatch(name)}
        stay = {
            name: line
            for name, line in pins.items()
            if name not in needed and not _OF_JAX.fullmatch(name)
        }
        return {
            **files,
            "wanted.txt": _lines([f"jax{_extras(pins)}=={self.jax}", *stay.values()]),
            "needed.txt": _lines(needed.values()),
        }


def _folder() -> Path:
    """Where locks are kept: https://specifications.freedesktop.org/basedir-spec/latest/."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "jaxrig" / "locks"


def _extras(pins: Iterable[str]) -> str:
    """As pip takes them: those of JAX that bring what is pinned."""
    found = [
        brought.sub(extra, name)
        for name in pins
        for brought, extra in _EXTRAS
        if brought.fullmatch(name)
    ]
    return f"[{','.join(sorted(found))}]" if found else ""


def _pins(requirements: str) -> Iterator[tuple[str, str]]:
    """Normalised names, and `name==version ; marker`."""
    for name, version, marker in _PIN.findall(requirements):
        yield re.sub(r"[-_.]+", "-", name).lower(), f"{name}=={version} {marker.strip()}".strip()


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _file_of(client: docker.DockerClient, image: str) -> bytes:
    """The lock that the image holds."""
    container = client.containers.create(image, command=["-"], network_mode="none")
    try:
        stream, _ = container.get_archive(f"/{_LOCK}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            return cast("IO[bytes]", archive.extractfile(_LOCK)).read()
    finally:
        container.remove()


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImageUnavailable(
            f"chosen packages cannot be kept in {folder}: {error}; XDG_CACHE_HOME names another "
            "folder for that"
        ) from error
