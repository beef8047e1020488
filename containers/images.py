"""Images of targets: built once, named by the hash of what they hold.

An image has two parts. The *stack* (`<name>-stack`) is what a target's Dockerfile makes of a
base and pinned requirements; the image itself (`<name>`) adds the workloads as its last layer.
Between the two come the project that the target measures (`<name>-project`) and what a suite of
one's own requires (`<name>-requirements`); the suite itself comes last (`<name>-own`). All tags
are content hashes, so that asking whether an image is current costs a look-up a part.
"""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound, NotFound

from containers.assets import assets
from containers.errors import EngineUnavailable, ImageUnavailable
from containers.host import build_arguments, host_ca
from containers.ingredients import labels_of
from containers.locks import Lock
from containers.own import REQUIREMENTS, Own
from containers.podman import familiar
from containers.project import Project
from containers.pulling import pull

REGISTRY_BASE = "python:3.13-slim"
LOCAL_BASE = "jaxrig/base"
TARGET_LABEL = "jaxrig.target"
_LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an image is made of.

    `base`: an image to start from instead of the default one (see `Images.base`).
    `jax`: a version, instead of the one in `requirements`; all else is pinned as there.
    `project`: what is installed on the stack. `own`: a suite of one's own, which it holds too.
    """

    name: str
    dockerfile: Path
    requirements: Path | None = None
    base: str | None = None
    jax: str | None = None
    project: Project | None = None
    own: Own | None = None


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as built. `digest` is its identity, `tag` the hash of its ingredients."""

    digest: str
    tag: str


class Images:
    """Finds or builds images. `say` takes progress, a line at a time. `anew`: no layer of an
    earlier build serves."""

    def __init__(
        self,
        client: docker.DockerClient,
        workloads: Path,
        say: Callable[[str], None],
        *,
        anew: bool = False,
    ) -> None:
        self._client = client
        self._workloads = workloads
        self._say = say
        self._anew = anew

    def ensure(self, recipe: Recipe) -> Image:
        """The image of `recipe`, built where it does not exist yet.

        Raises `ImageUnavailable` with the end of the build log, or `EngineUnavailable`.
        """
        with _failures(recipe.name):
            stack = self._ensure_stack(recipe)
            if recipe.project is not None:
                stack = self._ensure_project(recipe, recipe.project, stack)
            if recipe.own is None:
                return self._ensure_image(recipe, stack)
            stack = self._ensure_requirements(recipe, recipe.own, stack)
            return self._ensure_own(recipe, recipe.own, self._ensure_image(recipe, stack))

    def known(self, digest: str) -> Image:
        """The image of that digest (or its beginning) as it is. Raises like `ensure`."""
        return find_image(self._client, digest)

    def base(self) -> str:
        """The default base: python:3.13-slim, or where no registry answers an equal of it."""
        known = known_base(self._client)
        if known is not None:
            return known
        self._say(f"looking for {REGISTRY_BASE} in the registry")
        try:
            self._client.images.pull(REGISTRY_BASE)
            return REGISTRY_BASE
        except DockerException as error:
            self._say(f"no registry answers ({_first_line(error)}); making a base from Debian")
        _run_base_script(_local_base())
        return _local_base()

    def _ensure_stack(self, recipe: Recipe) -> str:
        base = recipe.base or self.base()
        base_id = self._find(base)
        if base_id is None:
            self._say(f"pulling {base}")
            base_id = pull(self._client, base)
        context = _stack_context(recipe)
        if recipe.jax is not None:
            pinned = context["requirements.txt"]
            context["requirements.txt"] = self._locked(recipe.name, recipe.jax, base, pinned)
        tag = f"jaxrig/{recipe.name}-stack:{_digest([base_id.encode(), *_flat(context)])}"
        found = self._find(tag)
        if found is not None:
            return found
        self._say(f"building the stack of target {recipe.name} (once; about a minute)")
        arguments = {"BASE": base, **build_arguments()}
        labels = labels_of(context)
        context["host-ca.pem"] = host_ca()  # outside the hash: it does not reach the image
        return self._build(recipe.name, tag, context, arguments, labels)

    def _locked(self, name: str, jax: str, base: str, pinned: bytes) -> bytes:
        """The `pinned` requirements with that version of JAX."""
        machine = str(self._client.version()["Arch"])
        lock = Lock(jax=jax, requirements=pinned, base=base, architecture=machine)

        def choose(context: Mapping[str, bytes]) -> str:
            self._say(f"choosing the packages of jax {jax} (once)")
            files, arguments = {**context, "host-ca.pem": host_ca()}, build_arguments()
            tag = f"jaxrig/{name}-lock:{lock.name}"
            return self._build(name, tag, files, {"BASE": base, **arguments})

        return lock.ensure(self._client, choose)

    def _ensure_image(self, recipe: Recipe, stack: str) -> Image:
        context = {"Dockerfile": (assets() / "workloads.Dockerfile").read_bytes()}
        context |= dict(_workload_files(self._workloads))
        what = f"adding the workloads to target {recipe.name}"
        return self._ensure_layer(recipe.name, "", context, {"STACK": stack}, what)

    def _ensure_project(self, recipe: Recipe, project: Project, stack: str) -> str:
        """The stack with the project, and with what that needs and the stack lacks."""
        files = {f"project/{name}": content for name, content in project.files().items()}
        files[REQUIREMENTS] = b"./project\n"
        where = f"{project.folder.name}{'@' + project.revision if project.revision else ''}"
        what = f"installing {where} on target {recipe.name}"
        return self._ensure_installed(recipe.name, "-project", files, stack, what)

    def _ensure_requirements(self, recipe: Recipe, own: Own, stack: str) -> str:
        """The stack with what the suite requires; the stack as it is where that is nothing."""
        files = own.requirements()
        if not files:
            return stack
        what = f"installing what {own.folder.name} requires on target {recipe.name}"
        return self._ensure_installed(recipe.name, "-requirements", files, stack, what)

    def _ensure_installed(
        self, name: str, part: str, files: Mapping[str, bytes], stack: str, what: str
    ) -> str:
        """The stack with what the requirements among `files` name."""
        context = {
            **files,
            "Dockerfile": (assets() / "requirements.Dockerfile").read_bytes(),
            "missing.py": (assets() / "missing.py").read_bytes(),
        }
        return self._ensure_layer(
            *(name, part, context, {"STACK": stack}, what), outside={"host-ca.pem": host_ca()}
        ).digest

    def _ensure_own(self, recipe: Recipe, own: Own, image: Image) -> Image:
        context = {f"own/{name}": content for name, content in own.files().items()}
        context["Dockerfile"] = (assets() / "own.Dockerfile").read_bytes()
        what = f"adding {own.folder.name} to target {recipe.name}"
        return self._ensure_layer(recipe.name, "-own", context, {"IMAGE": image.digest}, what)

    def _ensure_layer(
        self,
        name: str,
        part: str,
        context: Mapping[str, bytes],
        below: Mapping[str, str],
        what: str,
        outside: Mapping[str, bytes] | None = None,
    ) -> Image:
        """`below`: the argument that names the image to build on. `outside`: what serves the
        build (with this host's proxies and indexes) and does not reach the image."""
        hashed = _digest([*(each.encode() for each in below.values()), *_flat(context)])
        tag = f"jaxrig/{name}{part}:{hashed}"
        digest = self._find(tag)
        if digest is None:
            self._say(what)
            served = build_arguments() if outside else {}
            digest = self._build(name, tag, {**context, **(outside or {})}, {**served, **below})
        return Image(digest=digest, tag=tag)

    def _find(self, tag: str) -> str | None:
        return _find(self._client, tag)

    def _build(
        self,
        name: str,
        tag: str,
        context: Mapping[str, bytes],
        arguments: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
    ) -> str:
        log: list[str] = []
        stream = self._client.api.build(
            fileobj=_tar(context),
            custom_context=True,
            tag=tag,
            buildargs=dict(arguments),
            labels={TARGET_LABEL: name, **(labels or {})},
            network_mode="host",  # the engine may run without a bridge
            nocache=self._anew,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=3600,
        )
        try:
            _follow(stream, log)
        except (BuildError, NotFound) as error:
            tail = "\n".join(f"    {line}" for line in log[-_LOG_LINES:])
            raise ImageUnavailable(
                f"image of target {name} cannot be built: {error}\n"
                f"  the last {min(_LOG_LINES, len(log))} lines of the build:\n{tail}"
            ) from error
        return str(self._client.images.get(tag).id)


def find_image(client: docker.DockerClient, digest: str) -> Image:
    """Raises `ImageUnavailable` where the engine does not hold it, or `EngineUnavailable`."""
    with _failures(digest):
        try:
            # Of an identity only Docker takes the beginning, and of hexadecimal digits all do.
            found = client.images.get(digest.removeprefix("sha256:"))
        except ImageNotFound as error:
            raise ImageUnavailable(
                f"this engine holds no image {digest}; `jaxrig runs --format json` names those "
                "that were measured, and `docker images` those that are left"
            ) from error
    return Image(digest=str(found.id), tag=familiar((found.tags or [digest])[0]))


def target_of_image(client: docker.DockerClient, digest: str) -> str | None:
    """The target that an image was built for; None for what jaxrig did not build.

    Raises like `find_image`.
    """
    labels = client.images.get(find_image(client, digest).digest).labels
    target = labels.get(TARGET_LABEL)
    return None if target is None else str(target)


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """The SDK's errors as an engine's."""
    try:
        yield
    except APIError as error:
        raise ImageUnavailable(f"image {name}: {error.explanation or error}") from error
    except (DockerException, OSError) as error:
        raise EngineUnavailable(f"the engine failed at image {name}: {error}") from error


def known_base(client: docker.DockerClient) -> str | None:
    """The default base that the engine holds already, the registry's first."""
    for tag in (REGISTRY_BASE, _local_base()):
        if _find(client, tag) is not None:
            return tag
    return None


def _local_base() -> str:
    """The tag of the base that base.sh makes: another script makes another base."""
    return f"{LOCAL_BASE}:{_digest([(assets() / 'base.sh').read_bytes()])}"


def _find(client: docker.DockerClient, tag: str) -> str | None:
    try:
        return str(client.images.get(tag).id)
    except ImageNotFound:
        return None


def _follow(stream: Iterator[dict[str, Any]], log: list[str]) -> None:
    error: str | None = None
    for event in stream:  # to its end, or the connection stays open
        text = event.get("stream") or event.get("status") or ""
        log.extend(line for line in text.splitlines() if line.strip())
        if "error" in event:
            error = _without_ansi(str(event["error"]))
            log.extend(error.splitlines())
    if error is not None:
        raise BuildError(error, iter(()))


def _stack_context(recipe: Recipe) -> dict[str, bytes]:
    context = {"Dockerfile": recipe.dockerfile.read_bytes()}
    if recipe.requirements is not None:
        context["requirements.txt"] = recipe.requirements.read_bytes()
    return context


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


def _digest(parts: Iterable[bytes]) -> str:
    """A hash of all parts and their borders, short enough for a tag."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:20]


def _tar(context: Mapping[str, bytes]) -> io.BytesIO:
    """A build context whose bytes depend on nothing but names and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(context.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _run_base_script(tag: str) -> None:
    script = subprocess.Popen(
        [str(assets() / "base.sh"), tag],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "JAXRIG_PYTHON": sys.executable},
        start_new_session=True,  # the terminal's Ctrl-C is this process's, which passes it on
    )
    try:
        _, log = script.communicate()
    except BaseException:
        _end_group(script)
        raise
    if script.returncode != 0:
        tail = "\n".join(log.decode(errors="replace").splitlines()[-_LOG_LINES:])
        raise ImageUnavailable(f"no base image: no registry answers, and base.sh failed:\n{tail}")


def _end_group(script: "subprocess.Popen[bytes]") -> None:
    """Ends a script and all that it started; it removes its temporary files itself."""
    os.killpg(script.pid, signal.SIGTERM)
    try:
        script.communicate(timeout=2)
    except subprocess.TimeoutExpired:
        os.killpg(script.pid, signal.SIGKILL)
        script.communicate()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _without_ansi(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
