"""What a side of a comparison is named by: `TARGET`, `TARGET@REVISION`, `TARGET@jax==VERSION` or an
image's digest."""

import re
from dataclasses import dataclass, replace

from harness.config import Settings
from harness.errors import UsageError
from harness.git import commit_of
from harness.target import VERSION

JAX = "jax=="
"""Begins what names a version."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{12,64}")


@dataclass(frozen=True, kw_only=True)
class Side:
    """`target`: None where only an image is named, which knows its target itself. `revision`: of
    the target's project, as git names it; None: the working tree. `jax`: a version, instead of the
    target's. `image`: a digest."""

    text: str
    target: str | None
    revision: str | None = None
    jax: str | None = None
    image: str | None = None


def parse_side(text: str) -> Side:
    """`cpu`, `cpu@origin/main`, `cpu@jax==0.9.2`, `sha256:…`, `cpu@sha256:…`.

    Raises `UsageError`.
    """
    if _DIGEST.fullmatch(text):
        return Side(text=text, target=None, image=text)
    target, at, rest = text.partition("@")
    if not target or (at and not rest) or rest.startswith("-"):
        raise UsageError(f"{text!r} is no side; name TARGET, TARGET@REVISION or an image's digest")
    if rest.startswith("sha256:"):
        if not _DIGEST.fullmatch(rest):
            raise UsageError(f"{rest!r} is no digest: sha256: and 12 to 64 hexadecimal digits")
        return Side(text=text, target=target, image=rest)
    if rest.startswith(JAX):
        version = rest.removeprefix(JAX)
        if not re.fullmatch(VERSION, version):
            raise UsageError(f"{version!r} is no version of JAX, as in {target}@{JAX}0.9.2")
        return Side(text=text, target=target, jax=version)
    return Side(text=text, target=target, revision=rest or None)


def at_commit(side: Side, settings: Settings) -> Side:
    """`side`, its revision as the commit that it stands for now. Raises `UsageError`."""
    if side.target is None or side.revision is None:
        return side
    project = settings.target(side.target).project
    if project is None:
        raise UsageError(
            f"{side.text}: target {side.target} names no project of which there were revisions; "
            'project = "." in jaxrig.toml installs the one there into its image'
        )
    return replace(side, revision=commit_of(side.revision, project))
