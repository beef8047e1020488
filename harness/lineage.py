"""What lies between a good and a bad revision, as a command names them."""

from harness.config import Settings
from harness.errors import UsageError
from harness.git import commits_between
from harness.revisions import Revision
from harness.sides import at_commit, parse_side


def lineage(
    target: str, good: str, bad: str, settings: Settings
) -> tuple[str, tuple[Revision, ...]]:
    """The good one by its full name, and all after it up to the bad one: commits of the target's
    project. Raises `UsageError`."""
    first, last = (at_commit(parse_side(f"{target}@{text}"), settings) for text in (good, bad))
    project = settings.target(target).project
    if first.revision is None or last.revision is None or project is None:
        raise UsageError("--good and --bad are revisions of the target's project, and no images")
    return first.revision, commits_between(first.revision, last.revision, project)
