"""Which revision of the user's project was measured."""

import subprocess
from pathlib import Path

from harness.errors import UsageError
from harness.revisions import Revision


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
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; correct `project` in jaxrig.toml")
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", folder=folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"git in {folder} knows no revision {revision!r}; a shallow clone lacks most of them "
            "(git fetch --unshallow), and one of another branch wants origin/BRANCH"
        ) from error


def commits_between(good: str, bad: str, folder: Path) -> tuple[Revision, ...]:
    """The commits that `bad` has and `good` has not, `bad` the last, none before what it builds on;
    `good` and `bad` are hashes. Raises `UsageError` where `bad` does not build on `good`."""
    if good == bad:
        raise UsageError(f"the good and the bad revision are one and the same: {good}")
    try:
        _git("merge-base", "--is-ancestor", good, bad, folder=folder)
        form = "--format=%H%x00%P%x00%aI%x00%s"
        listed = _git("log", "--topo-order", "--reverse", form, f"{good}..{bad}", folder=folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"{bad} does not build on {good}; `git merge-base` of the two may be good as well"
        ) from error
    lines = [line.split("\0") for line in listed.split("\n")]
    known = {name for name, *_ in lines}
    return tuple(
        Revision(
            name=name,
            parents=tuple(each for each in parents.split() if each in known),
            subject=subject,
            date=date,
        )
        for name, parents, date, subject in lines
    )


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
        ["git", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",  # a subject is whatever bytes somebody wrote
        check=True,
        timeout=30,
    )
    return done.stdout.strip()
