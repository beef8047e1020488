"""Images of targets: built once, layer by layer, and found again by the hash of what they hold.

All tags are content hashes (`containers.recipe`), so that asking whether an image is current costs
a look-up a layer.
"""

import io
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound, NotFound

from containers.assets import assets
from containers.errors import EngineUnavailable, ImageUnavailable
from containers.host import build_arguments, host_ca
from containers.locks import Lock
from containers.podman import asked, familiar
from containers.pulling import pull
from containers.recipe import Layer, Recipe, digest_of, layers_of

REGISTRY_BASE = "python:3.13-slim"
LOCAL_BASE = "jaxrig/base"
TARGET_LABEL = "jaxrig.target"
_LOG_LINES = 20


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
            made = Image(digest=self._bottom(recipe), tag="")
            requirements = self._locked(recipe, made.digest)
            for layer in layers_of(recipe, self._workloads, requirements):
                made = self._ensure_layer(recipe.name, layer, made.digest)
        return made

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

    def _bottom(self, recipe: Recipe) -> str:
        """The digest of what the first layer is built on."""
        if recipe.image is not None:
            return self._given(recipe.name, recipe.image)
        base = recipe.base or self.base()
        found = self._find(base)
        if found is None:
            self._say(f"pulling {base}")
            found = pull(self._client, base)
        return found

    def _locked(self, recipe: Recipe, base: str) -> bytes | None:
        """The recipe's requirements with the version of JAX that it names, if any. `base`: the
        digest of what they are installed on."""
        if recipe.jax is None or recipe.requirements is None:
            return None
        lock = Lock(
            jax=recipe.jax,
            requirements=recipe.requirements.read_bytes(),
            base=recipe.base or self.base(),
            architecture=str(self._client.version()["Arch"]),
        )

        def choose(context: Mapping[str, bytes]) -> str:
            self._say(f"choosing the packages of jax {recipe.jax} (once)")
            layer = Layer(part="-lock", argument="BASE", context=context, what="", served=True)
            tag = f"jaxrig/{recipe.name}-lock:{lock.name}"
            return self._build(recipe.name, tag, layer, base)

        return lock.ensure(self._client, choose)

    def _given(self, target: str, image: str) -> str:
        found = self._find(image)
        if found is None:
            raise ImageUnavailable(
                f"this engine holds no image {image}, which target {target} names: bring it here "
                "(`docker pull`, `docker load`, `jaxrig images import`), or correct `image` in "
                "jaxrig.toml"
            )
        return found

    def _ensure_layer(self, name: str, layer: Layer, below: str) -> Image:
        tag = layer.tag(name, below)
        digest = self._find(tag)
        if digest is None:
            self._say(layer.what)
            digest = self._build(name, tag, layer, below)
        return Image(digest=digest, tag=tag)

    def _find(self, tag: str) -> str | None:
        return _find(self._client, tag)

    def _build(self, name: str, tag: str, layer: Layer, below: str) -> str:
        served = {"host-ca.pem": host_ca()} if layer.served else {}
        log: list[str] = []
        stream = self._client.api.build(
            fileobj=_tar({**layer.context, **served}),
            custom_context=True,
            tag=tag,
            buildargs={layer.argument: below, **(build_arguments() if layer.served else {})},
            labels={TARGET_LABEL: name, **layer.labels},
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
            found = client.images.get(asked(digest))
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
    """The default base that the engine holds already."""
    return next((tag for tag in default_bases() if _find(client, tag) is not None), None)


def default_bases() -> tuple[str, ...]:
    """What a default base is called, the one that goes first first."""
    return REGISTRY_BASE, _local_base()


def _local_base() -> str:
    """The tag of the base that base.sh makes: another script makes another base."""
    return f"{LOCAL_BASE}:{digest_of([(assets() / 'base.sh').read_bytes()])}"


def _find(client: docker.DockerClient, tag: str) -> str | None:
    try:
        return str(client.images.get(asked(tag)).id)
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
