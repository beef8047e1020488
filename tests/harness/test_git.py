"""The revision of the user's project, from real git repositories."""

import subprocess
from pathlib import Path

import pytest

from harness.git import describe


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.txt").write_text("one")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(project: Path) -> None:
    assert describe(project) == (git(project, "rev-parse", "HEAD"), False)


def test_a_changed_file_makes_it_dirty(project: Path) -> None:
    (project / "a.txt").write_text("two")
    assert describe(project) == (git(project, "rev-parse", "HEAD"), True)


def test_an_untracked_file_does_not(project: Path) -> None:
    (project / "results.db").touch()
    assert describe(project)[1] is False


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert describe(tmp_path) == (None, None)


def test_before_the_first_commit_nothing_is_known(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert describe(tmp_path) == (None, None)


def test_without_git_nothing_is_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert describe(project) == (None, None)
