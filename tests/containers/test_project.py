"""Which files of a project are taken, from real git repositories."""

import subprocess
from pathlib import Path

import pytest

from containers import project
from containers.errors import ImageUnavailable
from containers.project import Project


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project below the top of its repository, committed once and changed since."""
    git(tmp_path, "init", "-q")
    folder = tmp_path / "two words"
    (folder / "src").mkdir(parents=True)
    (tmp_path / "elsewhere.txt").write_text("not of the project")
    (folder / "pyproject.toml").write_text("[project]")
    (folder / "src" / "é.py").write_text("OLD")
    (folder / "gone.py").write_text("x")
    (folder / ".gitignore").write_text("*.log\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    (folder / "src" / "é.py").write_text("NEW")
    (folder / "new.py").write_text("y")
    (folder / "gone.py").unlink()
    (folder / "a.log").touch()
    (folder / "results.db").touch()
    return folder


def test_without_a_revision_the_working_tree_is_taken_as_it_is(folder: Path) -> None:
    assert Project(folder=folder).files() == {
        ".gitignore": b"*.log\n",
        "pyproject.toml": b"[project]",
        "src/é.py": b"NEW",
        "new.py": b"y",
    }


def test_a_revision_is_taken_from_the_repository_and_not_from_the_working_tree(
    folder: Path,
) -> None:
    assert Project(folder=folder, revision="HEAD").files() == {
        ".gitignore": b"*.log\n",
        "pyproject.toml": b"[project]",
        "src/é.py": b"OLD",
        "gone.py": b"x",
    }


def test_what_cannot_be_taken_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageUnavailable, match="@nowhere: git archive: "):
        Project(folder=folder, revision="nowhere").files()
    with pytest.raises(ImageUnavailable, match=r"git ls-files: (?s:.*) a folder of a git repo"):
        Project(folder=Path("/proc/self")).files()
    with pytest.raises(ImageUnavailable, match="nowhere: there is no such folder; correct `proj"):
        Project(folder=tmp_path / "nowhere").files()
    with pytest.raises(ImageUnavailable, match=r"neither pyproject\.toml nor setup.py"):
        Project(folder=tmp_path).files()
    monkeypatch.setattr(project, "MOST_FILES", 1)
    with pytest.raises(ImageUnavailable, match="keep data out of it"):
        Project(folder=folder).files()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageUnavailable, match="No such file"):
        Project(folder=folder).files()
