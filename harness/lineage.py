"""What lies between a good and a bad revision, as a command names them."""

from harness.config import Settings
from harness.errors import UsageError
from harness.git import commits_between
from harness.releases import between, releases
from harness.revisions import Revision
from harness.sides import at_commit, parse_side


def lineage(
    target: str, good: str, bad: str, settings: Settings
) -> tuple[str, tuple[Revision, ...]]:
    """The good one by its full name, and all after it up to the bad one: commits of the target's
    project, or released versions of JAX (`jax==0.9.2`). Raises `UsageError`, and
    `EnvironmentFailure` where the versions cannot be listed."""
    project = settings.target(target).project
    sides = [parse_side(f"{target}@{text}") for text in (good, bad)]
    first_jax, last_jax = (side.jax for side in sides)
    if first_jax is not None and last_jax is not None:
        return good, between(first_jax, last_jax, releases())
    if first_jax is not None or last_jax is not None:
        raise UsageError("of --good and --bad both are versions of JAX, or neither is")
    first, last = (at_commit(side, settings).revision for side in sides)
    if first is None or last is None or project is None:
        raise UsageError("--good and --bad are revisions of the target's project, and no images")
    return first, commits_between(first, last, project)
