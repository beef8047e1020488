"""Builds a target's image a second time, to see whether the same packages come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from containers.docker_engine import DockerEngine, connect
from containers.images import Image, Images, find_image
from containers.pruning import discard
from containers.saved import PREFIX
from containers.spec import LaunchSpec
from harness.config import Settings
from harness.errors import EnvironmentFailure, UsageError
from harness.fields import Text
from harness.runner.collect import last_line
from harness.runner.run import engine_failures
from harness.runner.setup import recipe, target_of
from workloads import catalog

_LIMIT_S = 60.0
_PROGRAM = """\
import json
from importlib.metadata import distributions
named = (each for each in distributions() if each.metadata["Name"])
print(json.dumps({each.metadata["Name"]: each.version for each in named}))
"""
_PACKAGES = TypeAdapter(dict[Text, Text])


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """Packages (name → version) of an image, and of what was built anew of its target."""

    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of packages that came, went, or have another version."""
        names = sorted(self.before.keys() | self.after.keys())
        return tuple(each for each in names if self.before.get(each) != self.after.get(each))


def rebuild(digest: str, settings: Settings, say: Callable[[str], None]) -> Rebuilt:
    """Builds the target of an image anew, without any layer from before, and takes it away again.

    Raises `UsageError` for an image that no target makes, and `EnvironmentFailure`.
    """
    with engine_failures():
        client = connect()
        image = find_image(client, digest)
        name = _target_of(image)
        made = recipe(name, settings.target(name))
        apart = replace(made, name=f"{name}-rebuilt")  # its tags are nobody else's
        engine = DockerEngine(client)
        before = packages_of(engine, image)
        images = Images(client, Path(catalog.__file__).parents[1], say, anew=True)
        discard(client, apart.name)
        try:
            return Rebuilt(before=before, after=packages_of(engine, images.ensure(apart)))
        finally:
            discard(client, apart.name)


def packages_of(engine: DockerEngine, image: Image) -> dict[str, str]:
    """Name → version of every Python package in the image. Raises `EnvironmentFailure`."""
    spec = LaunchSpec(command=("-c", _PROGRAM), image=image.digest, deadline_s=_LIMIT_S)
    with engine.start(spec) as running:
        try:
            line = last_line(running, _LIMIT_S)
        except TimeoutError:
            line = None
        said = running.log()
    try:
        return _PACKAGES.validate_json(line if isinstance(line, bytes) else b"")
    except ValidationError as error:
        raise EnvironmentFailure(
            f"image {image.digest} does not tell its packages; its `python` said: {said.strip()}"
        ) from error


def _target_of(image: Image) -> str:
    name = target_of(image.digest)
    if image.tag.startswith(PREFIX) and not image.tag.startswith(f"{PREFIX}{name}:"):
        raise UsageError(
            f"{image.tag} is no image that target {name} alone makes, and cannot be built again "
            "from that; `jaxrig images list` names those that can"
        )
    return name
