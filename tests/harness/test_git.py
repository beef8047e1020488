"""The revision of the user's project, from real git repositories."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.git import commit_of, commits_between, commits_in_order, describe


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


def commit(project: Path, *words: str) -> str:
    git(project, "commit", "-q", "--allow-empty", "-m", "next", *words)
    return git(project, "rev-parse", "HEAD")


def test_no_commit_comes_before_what_it_builds_on(project: Path) -> None:
    """Whatever the clocks said, and of every branch."""
    first = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "-q", "-b", "side")
    side = [commit(project, "--date", "2001-01-01T00:00:00Z") for _ in range(2)]
    git(project, "checkout", "-q", "--detach", first)
    alone = commit(project)
    places = commits_in_order(project)
    assert sorted(places.values()) == [0, 1, 2, 3]
    assert places[first] == 0
    assert places[side[0]] < places[side[1]]
    assert alone in places


def test_outside_a_checkout_there_is_no_order(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkout here"):
        commits_in_order(tmp_path)


def test_commits_between_two_know_what_they_build_on(project: Path) -> None:
    good = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "-q", "-b", "side")
    side = commit(project, "--date", "2001-01-01T00:00:00Z")
    git(project, "checkout", "-q", "--detach", good)
    alone = commit(project)
    git(project, "merge", "-q", "--no-ff", "-m", "a | b", "side")
    bad = git(project, "rev-parse", "HEAD")
    found = {each.name: each for each in commits_between(good, bad, project)}
    assert list(found)[-1] == bad
    assert found[bad].parents == (alone, side)
    assert found[bad].subject == "a | b"
    assert (found[side].parents, found[alone].parents) == ((), ())  # on the good one
    assert datetime.fromisoformat(str(found[side].date)) == datetime(2001, 1, 1, tzinfo=UTC)


def test_what_does_not_build_on_the_good_one_has_nothing_between(project: Path) -> None:
    good = git(project, "rev-parse", "HEAD")
    bad = commit(project)
    with pytest.raises(UsageError, match="does not build on"):
        commits_between(bad, good, project)
    with pytest.raises(UsageError, match="one and the same"):
        commits_between(bad, bad, project)


def test_a_folder_that_is_not_there_is_told_from_an_unknown_revision(project: Path) -> None:
    with pytest.raises(UsageError, match="knows no revision 'nowhere'"):
        commit_of("nowhere", project)
    with pytest.raises(UsageError, match=r"there is no folder .*; correct `project`"):
        commit_of("HEAD", project / "nowhere")
