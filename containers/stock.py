"""All images of an engine, as it lists them at once: what of a target's layers there is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker

from containers.docker_engine import engine_errors
from containers.images import default_bases
from containers.locks import Lock
from containers.podman import familiar
from containers.recipe import Recipe, layers_of

_HUB = ("docker.io/library/",)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An image as listed. `size_bytes`: with the layers that it shares with others."""

    digest: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class Stock:
    """Images by each of their names: digest and tags. `architecture`: that the engine is of."""

    images: Mapping[str, Listed]
    architecture: str = ""

    def find(self, name: str) -> Listed | None:
        """By digest, or how that begins, or by a tag as one writes it."""
        if name.startswith("sha256:"):
            known = (each for digest, each in self.images.items() if digest.startswith(name))
            return next(known, None)
        return self.images.get(_whole(name))

    def made_of(self, recipe: Recipe, workloads: Path) -> Listed | None:
        """The image of `recipe` as it would be found now; None where it is yet to be built.

        Raises `ImageUnavailable` for files that cannot be taken.
        """
        found, requirements = self._bottom(recipe), self._locked(recipe)
        if recipe.jax is not None and requirements is None:
            found = None
        # To the last layer, whose files must be there, too.
        for layer in layers_of(recipe, workloads, requirements):
            found = None if found is None else self.find(layer.tag(recipe.name, found.digest))
        return found

    def _bottom(self, recipe: Recipe) -> Listed | None:
        name = recipe.image or self._base(recipe)
        return None if name is None else self.find(name)

    def _base(self, recipe: Recipe) -> str | None:
        names = default_bases() if recipe.base is None else (recipe.base,)
        return next((name for name in names if self.find(name) is not None), None)

    def _locked(self, recipe: Recipe) -> bytes | None:
        """The requirements with the recipe's version of JAX, where they were chosen before."""
        base = self._base(recipe)
        if recipe.jax is None or recipe.requirements is None or base is None:
            return None
        pinned = recipe.requirements.read_bytes()
        return Lock(
            jax=recipe.jax, requirements=pinned, base=base, architecture=self.architecture
        ).kept()


def stock(client: docker.DockerClient) -> Stock:
    """One call, however many images there are. Raises an `EngineError`."""
    with engine_errors("list its images"):
        summaries, architecture = client.api.images(), str(client.version()["Arch"])
    named = {name: image for each in summaries for name, image in _named(each)}
    return Stock(named, architecture)


def _named(summary: Mapping[str, Any]) -> Iterator[tuple[str, Listed]]:
    image = Listed(
        digest=str(summary["Id"]),
        size_bytes=int(summary["Size"]),
        created_at=datetime.fromtimestamp(int(summary["Created"]), UTC),
    )
    for name in (summary["Id"], *map(familiar, summary["RepoTags"] or ())):
        yield str(name), image


def _whole(tag: str) -> str:
    """`docker.io/library/python` → `python:latest`, as an engine lists it."""
    for prefix in _HUB:
        tag = tag.removeprefix(prefix)
    tag = familiar(tag)
    return tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest"
