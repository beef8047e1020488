"""Gets an image from a registry."""

import docker
from docker.errors import APIError

from containers.errors import ImageUnavailable


def pull(client: docker.DockerClient, base: str) -> str:
    """The digest of what a target builds on. Raises `ImageUnavailable` where no registry gives it,
    and Docker's own errors where the engine fails."""
    try:
        return str(client.images.pull(base).id)
    except APIError as error:
        raise ImageUnavailable(
            f"no registry gives this engine {base}, the target's base "
            f"({error.explanation or error}): let the engine reach one that has it, bring it here "
            "with `docker load`, or name another `base` in jaxrig.toml"
        ) from error
