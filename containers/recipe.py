"""What an image is made of: layers of files, each built on the one below and named by its contents.

The *stack* (`<name>-stack`) is what a target's Dockerfile makes of a base and pinned requirements,
or an image that is there already; the image itself (`<name>`) adds the workloads. Between the two
come the project that the target measures (`<name>-project`) and what a suite of one's own requires
(`<name>-requirements`); the suite itself comes last (`<name>-own`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from containers.assets import assets
from containers.ingredients import labels_of
from containers.own import REQUIREMENTS, Own
from containers.project import Project


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`image`: one that the engine holds, instead of what `dockerfile` and `requirements` make of
    `base` (None: see `Images.base`). `jax`: a version, instead of the one in `requirements`; all
    else is pinned as there. `project`: what is installed on that stack. `own`: a suite of one's
    own, which the image holds too.
    """

    name: str
    dockerfile: Path | None = None
    requirements: Path | None = None
    base: str | None = None
    image: str | None = None
    jax: str | None = None
    project: Project | None = None
    own: Own | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """`part`: of its name. `argument`: the Dockerfile's, which names what lies below. `context`:
    contents by path, the Dockerfile among them. `what`: building it, in words. `served`: whether
    it is given this host's proxies, indexes and CA bundle, which do not reach the image."""

    part: str
    argument: str
    context: Mapping[str, bytes]
    what: str
    served: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def tag(self, name: str, below: str) -> str:
        """A hash of all that it is made of. `below`: the digest of what it is built on."""
        return f"jaxrig/{name}{self.part}:{digest_of([below.encode(), *_flat(self.context)])}"


def layers_of(
    recipe: Recipe, workloads: Path, requirements: bytes | None = None
) -> Iterator[Layer]:
    """From the lowest. `workloads`: their folder. `requirements`: instead of those in the recipe's
    file. Raises `ImageUnavailable` for files that cannot be taken, once it comes to their layer."""
    name = recipe.name
    if recipe.image is not None:
        yield _given(recipe.image, name)
    else:
        yield _stack(recipe, requirements)
    if recipe.project is not None:
        yield _project(recipe.project, name)
    required = {} if recipe.own is None else recipe.own.requirements()
    if recipe.own is not None and required:
        what = f"installing what {recipe.own.folder.name} requires on target {name}"
        yield _installed("-requirements", required, what)
    yield Layer(
        part="",
        argument="STACK",
        context={**_asset("workloads.Dockerfile"), **dict(_workload_files(workloads))},
        what=f"adding the workloads to target {name}",
    )
    if recipe.own is not None:
        yield _own(recipe.own, name)


def _stack(recipe: Recipe, requirements: bytes | None) -> Layer:
    if recipe.dockerfile is None:
        raise ValueError(f"the recipe of {recipe.name} names neither dockerfile nor image")
    context = {"Dockerfile": recipe.dockerfile.read_bytes()}
    if requirements is None and recipe.requirements is not None:
        requirements = recipe.requirements.read_bytes()
    if requirements is not None:
        context["requirements.txt"] = requirements
    return Layer(
        part="-stack",
        argument="BASE",
        context=context,
        what=f"building the stack of target {recipe.name} (once; about a minute)",
        served=True,
        labels=labels_of(context),
    )


def _given(image: str, name: str) -> Layer:
    return Layer(
        part="-stack",
        argument="IMAGE",
        context=_asset("given.Dockerfile"),
        what=f"looking whether image {image} can be target {name}",
    )


def _project(project: Project, name: str) -> Layer:
    """The project, with what it needs and the stack lacks."""
    files = {f"project/{path}": content for path, content in project.files().items()}
    files[REQUIREMENTS] = b"./project\n"
    where = f"{project.folder.name}{'@' + project.revision if project.revision else ''}"
    return _installed("-project", files, f"installing {where} on target {name}")


def _installed(part: str, files: Mapping[str, bytes], what: str) -> Layer:
    """What the requirements among `files` name."""
    context = {**files, **_asset("requirements.Dockerfile")}
    context["missing.py"] = (assets() / "missing.py").read_bytes()
    return Layer(part=part, argument="STACK", context=context, what=what, served=True)


def _own(own: Own, name: str) -> Layer:
    files = {f"own/{path}": content for path, content in own.files().items()}
    return Layer(
        part="-own",
        argument="IMAGE",
        context={**files, **_asset("own.Dockerfile")},
        what=f"adding {own.folder.name} to target {name}",
    )


def _asset(dockerfile: str) -> dict[str, bytes]:
    return {"Dockerfile": (assets() / dockerfile).read_bytes()}


def _workload_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
        if path.is_file() and not hidden:
            yield f"workloads/{inside.as_posix()}", path.read_bytes()


def _flat(context: Mapping[str, bytes]) -> Iterator[bytes]:
    for name, content in sorted(context.items()):
        yield name.encode()
        yield content


def digest_of(parts: Iterable[bytes]) -> str:
    """A hash of all parts and their borders, short enough for a tag."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:20]
