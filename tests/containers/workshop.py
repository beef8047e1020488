"""Where a test builds images: a recipe and workloads of its own, and what was said meanwhile."""

import gzip
import re
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.types import Ulimit

from containers.images import TARGET_LABEL, Image, Images
from containers.podman import familiar
from containers.pruning import ANCHORS
from containers.recipe import Recipe

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY requirements.txt /requirements.txt
"""


class Workshop:
    """A folder with a recipe and workloads in it, all of them a test's own."""

    def __init__(self, client: docker.DockerClient, folder: Path, base: str) -> None:
        self._client = client
        self.folder = folder
        self.said: list[str] = []
        self.dockerfile = folder / "my.Dockerfile"
        self.requirements = folder / "my.requirements.txt"
        self.requirements.write_text("something==1.0\n")
        self.workloads = folder / "workloads"
        (self.workloads / "deep").mkdir(parents=True)
        (self.workloads / "__init__.py").write_text("VALUE = 1\n")
        (self.workloads / "deep/module.py").write_text("VALUE = 2\n")
        self.recipe = Recipe(
            name=f"test-{uuid.uuid4().hex[:8]}",
            dockerfile=self.dockerfile,
            requirements=self.requirements,
            base=base,
        )
        self.write(DOCKERFILE)

    def write(self, dockerfile: str) -> None:
        """Marks every stage, so that `clean` finds what builds leave behind."""
        marked = re.sub(
            "(?m)^(FROM .*)$", rf"\1\nLABEL jaxrig.target={self.recipe.name}", dockerfile
        )
        self.dockerfile.write_text(marked)

    def ensure(self, recipe: Recipe | None = None) -> Image:
        self.said.clear()
        images = Images(self._client, self.workloads, self.said.append)
        return images.ensure(recipe or self.recipe)

    def output(self, image: Image, program: str) -> str:
        """What a Python program prints in the image."""
        text: bytes = self._client.containers.run(
            image.digest,
            ["python", "-c", program],
            network_mode="none",
            remove=True,
            # Podman's own are more than it may set.
            ulimits=[Ulimit(name=each, soft=1024, hard=1024) for each in ("nofile", "nproc")],
        )
        return text.decode()

    def held(self, image: Image, *marks: bytes) -> set[bytes]:
        """Which of the marks the engine holds of an image: in its layers and
        history, or in a stage that building left behind without a name."""
        label = f"jaxrig.target={self.recipe.name}"
        stages = self._client.images.list(filters={"label": label, "dangling": True})
        found: set[bytes] = set()
        for name in (image.digest, *(str(each.id) for each in stages)):
            for content in self._files(name):
                found |= {mark for mark in marks if mark in content}
        return found

    def _files(self, name: str) -> Iterator[bytes]:
        """All files of a saved image. Containerd's store keeps layers packed."""
        with tempfile.TemporaryFile() as saved:
            saved.writelines(self._client.images.get(name).save())
            saved.seek(0)
            with tarfile.open(fileobj=saved) as tar:
                for member in filter(tarfile.TarInfo.isreg, tar):
                    content = tar.extractfile(member).read()  # type: ignore[union-attr]
                    yield gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content

    def clean(self) -> None:
        """Also what was built under a name that begins with the recipe's."""
        mine = tuple(f"{prefix}/{self.recipe.name}" for prefix in ("jaxrig", ANCHORS))
        for image in self._client.api.images(filters={"label": TARGET_LABEL}):
            for tag in image["RepoTags"] or ():
                if familiar(tag).startswith(mine):
                    self._client.images.remove(tag, force=True)
        label = f"jaxrig.target={self.recipe.name}"
        self._client.images.prune({"label": label, "dangling": True})
