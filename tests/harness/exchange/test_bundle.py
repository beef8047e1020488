"""A bundle holds the runs that were chosen, all of them, and is taken in as it was written."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import DatabaseFailure, UsageError
from harness.exchange import bundle
from harness.store.reader import Reader
from harness.store.writer import Store
from tests import mounts
from tests.harness.history import add_run
from tests.harness.samples import A, B
from tests.harness.store.filled import fill, said
from tests.need import need


@pytest.fixture
def written(url: str, tmp_path: Path) -> Path:
    """Everything there can be, in a bundle."""
    with Store(url) as store:
        fill(store)
    return write(url, tmp_path / "all.jaxrig")


def write(url: str, path: Path) -> Path:
    with Reader(url) as reader:
        names = [run.run for run in reader.runs()]
    bundle.write(url, path, names, lambda _: None)
    return path


def taken(path: Path, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/other.db"
    with Store(url) as store:
        bundle.take_in(path, store, lambda _: None)
    return url


def test_what_goes_in_comes_out(written: Path, url: str, tmp_path: Path) -> None:
    found, wanted = said(taken(written, tmp_path)), said(url)
    assert found == wanted


def test_it_is_one_file(written: Path) -> None:
    assert sorted(os.listdir(written.parent)) == ["all.jaxrig", "results.db"]  # noqa: PTH208
    with closing(sqlite3.connect(written)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_only_the_chosen_runs_are_in_it(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        name, _ = add_run(store, {A: [1.0]}), add_run(store, {B: [2.0]})
    path = tmp_path / "one.jaxrig"
    merged = bundle.write(url, path, [name], lambda _: None)
    assert merged.runs_added == 1
    with Reader(f"sqlite:///{path}") as reader:
        assert [run.run for run in reader.runs()] == [name]
    assert B.encode() not in path.read_bytes()


@pytest.mark.parametrize("at", [0, 24, 60, 68, 4000, -1])
def test_an_altered_byte_is_refused(written: Path, at: int, tmp_path: Path) -> None:
    content = bytearray(written.read_bytes())
    content[at] ^= 1
    written.write_bytes(content)
    with pytest.raises(UsageError, match=f"cannot import {written}: .*altered|cut short"):
        taken(written, tmp_path)
    assert said(f"sqlite:///{tmp_path}/other.db")["runs"] == set()


@pytest.mark.parametrize("size", [0, 50, 4096, -1])
def test_a_shortened_one_is_refused(written: Path, size: int, tmp_path: Path) -> None:
    written.write_bytes(written.read_bytes()[:size])
    with pytest.raises(UsageError, match="cut short"):
        taken(written, tmp_path)


def test_results_can_be_taken_in_as_they_are(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
        path = Path(url.removeprefix("sqlite:///"))
        assert bundle.is_database(path)
        assert said(taken(path, tmp_path)) == said(url)  # while they are open


def test_damaged_results_are_refused(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    path = Path(url.removeprefix("sqlite:///"))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match="it is damaged"):
        taken(path, tmp_path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(DatabaseFailure, match="holds no jaxrig results"):
        taken(path, tmp_path)


def test_it_is_read_where_nothing_can_be_written(written: Path, url: str, tmp_path: Path) -> None:
    folder = tmp_path / "medium"
    folder.mkdir()
    try:
        mounts.mount_tmpfs(folder, "size=2m")
    except OSError as error:
        need(False, f"the right to mount a tmpfs (root): {error}")
    try:
        copy = Path(shutil.copy(written, folder))
        mounts.make_read_only(folder)
        assert said(taken(copy, tmp_path)) == said(url)
    finally:
        mounts.unmount(folder)


def test_what_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailure):
        bundle.write(url, tmp_path / "x.jaxrig", ["a"], lambda _: None)
    assert list(tmp_path.iterdir()) == []
