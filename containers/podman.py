"""Where Podman, asked as Docker is, behaves otherwise (seen: 4.3, on cgroups of version 1)."""

import re
from collections.abc import Mapping

import docker

CLOSED = dict.fromkeys(("/run", "/var/tmp"), "ro,nosuid,nodev,noexec,size=4k")  # noqa: S108
"""What it makes writable where the root is not, as tmpfs that are not."""

_REGISTRIES = ("docker.io/", "localhost/")


def is_podman(client: docker.DockerClient) -> bool:
    """Whether it is Podman that answers."""
    return engine_name(client.version()) == "Podman"


def engine_name(version: Mapping[str, object]) -> str:
    """`Docker` or `Podman`, by what an engine says of its version."""
    parts = version.get("Components")
    names = [str(part.get("Name")) for part in parts] if isinstance(parts, list) else []
    return "Podman" if any(name.startswith("Podman") for name in names) else "Docker"


def familiar(tag: str) -> str:
    """A tag as it was given: Podman names a registry before it, which it never asked."""
    for registry in _REGISTRIES:
        tag = tag.removeprefix(registry)
    return tag


def asked(name: str) -> str:
    """A digest, or how it begins, as any engine takes it; tags stay as they are. Docker takes both
    with the prefix and without; Podman a whole one with it, and a beginning without."""
    number = name.removeprefix("sha256:")
    return f"sha256:{number}" if re.fullmatch(r"[0-9a-f]{64}", number) else number
