"""Which revision of the user's project was measured."""

import subprocess
from pathlib import Path


def describe(folder: Path | None = None) -> tuple[str | None, bool | None]:
    """Commit and whether tracked files differ from it; (None, None) outside a git checkout."""
    try:
        commit = _git("rev-parse", "HEAD", folder=folder)
        changes = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    except (OSError, subprocess.SubprocessError):
        return None, None
    return commit, bool(changes)


def _git(*words: str, folder: Path | None) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()
