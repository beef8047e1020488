"""What of a folder goes into an image, and what it asks to be installed."""

from pathlib import Path

import pytest

from containers import own
from containers.errors import ImageUnavailable
from containers.own import Own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    (folder / "data").mkdir(parents=True)
    (folder / "test_a.py").write_text("a")
    (folder / "data" / "rows.csv").write_text("b")
    return folder


def test_everything_is_taken_under_the_folder_s_name(folder: Path) -> None:
    assert Own(folder).files() == {"bench/test_a.py": b"a", "bench/data/rows.csv": b"b"}


def test_what_is_hidden_compiled_or_written_by_every_run_stays_out(folder: Path) -> None:
    for name in (".git/config", "__pycache__/x.pyc", "results.db", "results.db-wal", ".env"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    (folder / "gone").symlink_to("nowhere")
    assert set(Own(folder).files()) == {"bench/test_a.py", "bench/data/rows.csv"}


def test_a_folder_that_is_too_large_is_refused_with_advice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "MOST_FILES", 1)
    with pytest.raises(ImageUnavailable, match="give the suite its own folder"):
        Own(folder).files()
    monkeypatch.setattr(own, "MOST_FILES", 100)
    monkeypatch.setattr(own, "MOST_BYTES", 1)
    with pytest.raises(ImageUnavailable, match="give the suite its own folder"):
        Own(folder).files()


def test_without_a_requirements_file_nothing_is_required(folder: Path) -> None:
    assert Own(folder).requirements() == {}


def test_files_that_requirements_name_come_along(folder: Path) -> None:
    texts = {
        "requirements.txt": "a==1\n-r data/more.txt\n-c https://example.invalid/c.txt\n",
        "data/more.txt": "--requirement=../last.txt\n  -c limits.txt # why\n-r more.txt\n",
        "data/limits.txt": "b<2\n",
        "last.txt": "c\n",
        "unnamed.txt": "d\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    del texts["unnamed.txt"]
    assert Own(folder).requirements() == {name: text.encode() for name, text in texts.items()}


@pytest.mark.parametrize(
    ("text", "words"), [("-r ../else.txt", "outside"), ("-c nope.txt", "cannot be read: No such")]
)
def test_requirements_that_cannot_be_taken_are_named(folder: Path, text: str, words: str) -> None:
    (folder.parent / "else.txt").touch()
    (folder / "requirements.txt").write_text(text)
    with pytest.raises(ImageUnavailable, match=words):
        Own(folder).requirements()
