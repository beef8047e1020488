"""Which revision of the user's project was measured."""

import subprocess
from pathlib import Path

from harness.errors import UsageError


def describe(folder: Path | None = None) -> tuple[str | None, bool | None]:
    """Commit and whether tracked files differ from it; (None, None) outside a git checkout."""
    try:
        commit = _git("rev-parse", "HEAD", folder=folder)
        changes = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, bool(changes)


def commit_of(revision: str, folder: Path) -> str:
    """The full hash that `revision` (a branch, a tag, `HEAD~3`) stands for in `folder`'s
    repository. Raises `UsageError`."""
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", folder=folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"git in {folder} knows no revision {revision!r}; a shallow clone lacks most of them "
            "(git fetch --unshallow), and one of another branch wants origin/BRANCH"
        ) from error


def commits_in_order(folder: Path | None = None) -> dict[str, int]:
    """Every commit of the checkout's branches and tags and of what is checked out, and its place:
    none comes before the one that it builds on. Raises `UsageError`."""
    try:
        listed = _git("rev-list", "--topo-order", "--reverse", "--all", folder=folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            "there is no checkout here, which would tell the order of commits; call this where the "
            "runs were started, or leave --order commit out"
        ) from error
    return {commit: place for place, commit in enumerate(listed.split())}


def _git(*words: str, folder: Path | None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()
