"""Released versions, listed by the real pip from an index in a folder."""

from pathlib import Path

import pytest

from harness.errors import EnvironmentFailure, UsageError
from harness.releases import between, checked, releases

KNOWN = ("0.9.0", "0.9.1", "0.9.2", "0.10.0", "0.12.0", "0.12.0.1")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one that pip uses."""
    folder = tmp_path / "simple" / "jax"
    folder.mkdir(parents=True)
    names = [f"jax-{each}-py3-none-any.whl" for each in (*reversed(KNOWN), "0.13.0rc1")]
    newer = 'data-requires-python="&gt;=99"'  # than this one, as the target's may be
    links = [f'<a href="{each}" {newer if "0.12" in each else ""}>{each}</a>' for each in names]
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    return folder


def test_pip_lists_what_was_released(index: Path) -> None:
    assert releases() == KNOWN  # and no candidate of a release


def test_without_an_index_there_is_no_list(index: Path) -> None:
    (index / "index.html").unlink()
    with pytest.raises(EnvironmentFailure, match=r"pip cannot list the releases of jax: .*jax"):
        releases()


def test_without_pip_there_is_no_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(EnvironmentFailure, match="No such file"):
        releases()


def test_each_release_builds_on_the_one_before() -> None:
    found = between("0.9.1", "0.12.0", KNOWN)
    assert [each.name for each in found] == ["jax==0.9.2", "jax==0.10.0", "jax==0.12.0"]
    assert [each.parents for each in found] == [(), ("jax==0.9.2",), ("jax==0.10.0",)]


def test_the_bad_release_is_the_later_one() -> None:
    for bad in ("0.9.0", "0.9.1"):
        with pytest.raises(UsageError, match=f"{bad} is not later than 0.9.1"):
            between("0.9.1", bad, KNOWN)


@pytest.mark.parametrize(
    ("version", "nearest"),
    [
        ("0.9.3", "0.9.1, 0.9.2, 0.10.0, 0.12.0"),
        ("0.11.0", "0.9.2, 0.10.0, 0.12.0, 0.12.0.1"),
        ("0.1", "0.9.0, 0.9.1"),
        ("7", "0.12.0, 0.12.0.1"),
    ],
)
def test_what_was_not_released_names_the_nearest(version: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"no jax {version} in the index; the nearest are"):
        checked(version, KNOWN)
    with pytest.raises(UsageError) as caught:
        between("0.9.0", version, KNOWN)
    assert str(caught.value).endswith(nearest)
