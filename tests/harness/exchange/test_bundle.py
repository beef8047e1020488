"""A bundle holds the runs that were chosen, all of them, and is taken in as it was written."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from harness.errors import DatabaseFailure, UsageError
from harness.exchange import bundle
from harness.store.migrate import configuration
from harness.store.reader import Reader
from harness.store.url import sqlite_url
from harness.store.writer import Store
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A, B
from tests.harness.store.filled import fill, said
from tests.tmpfs import Tmpfs


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


def test_it_is_read_where_nothing_can_be_written(
    written: Path, url: str, tmp_path: Path, tmpfs: Tmpfs
) -> None:
    copy = Path(shutil.copy(written, tmpfs.folder))
    tmpfs.close()
    assert said(taken(copy, tmp_path)) == said(url)


def test_what_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailure):
        bundle.write(url, tmp_path / "x.jaxrig", ["a"], lambda _: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "50%20", "%2F", "what?mode=memory", "x#y", "é&+=@:"])
def test_any_path_is_written_and_read(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    url = sqlite_url(folder / "results.db")
    with Store(url) as store:
        run = add_run(store, {A: [1.0]})
    path = write(url, folder / f"{name}.jaxrig")
    assert sorted(os.listdir(folder)) == sorted(["results.db", path.name])  # noqa: PTH208
    with Reader(taken(path, tmp_path)) as reader:
        assert [each.run for each in reader.runs()] == [run]


def older(path: Path) -> None:
    """A database of the schema before this one, with a run."""
    engine = create_engine(sqlite_url(path))
    with engine.begin() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0006")
        for statement in OLD:
            connection.execute(text(statement))
    engine.dispose()


OLD = (
    "INSERT INTO machines VALUES (1, 'f', 'm', '{}', '2026-01-01 00:00:00')",
    "INSERT INTO selections VALUES (1, 's', '[]')",
    "INSERT INTO environments VALUES (1, 'e', '{}')",
    "INSERT INTO cases VALUES (1, 'c', 'a', 'w', NULL, NULL, '{}')",
    (
        "INSERT INTO runs (id, uuid, name, status, target, platform, isolation, suite,"
        " selection_id, launches_planned, tags, machine_id, jaxrig_version, owner, deadline_at,"
        " started_at) VALUES (1, '019b7ca9ab627aaabababababababab0', 'old', 'done', 'cpu', 'cpu',"
        " 'process', 'quick', 1, 1, '{}', 1, '0.1.0', 'o', '2026-01-01 00:00:00',"
        " '2026-01-01 00:00:00')"
    ),
    (
        'INSERT INTO launches (id, run_id, "index", part, status, limits, env, environment_id,'
        " started_at) VALUES (1, 1, 0, 0, 'done', '{}', '{}', 1, '2026-01-01 00:00:00')"
    ),
    (
        "INSERT INTO measurements (launch_id, case_id, samples_s, rounds, median_s,"
        " calls_per_round) VALUES (1, 1, NULL, 3, 0.5, 1)"
    ),
)


@pytest.mark.parametrize("name", ["old.jaxrig", "old.db"])
def test_an_older_one_is_upgraded_in_a_copy(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    older(path)
    if path.suffix == bundle.SUFFIX:
        bundle._close_off(path)
        bundle._seal(path)
    path.chmod(0o444)
    before = path.read_bytes()
    with Reader(taken(path, tmp_path)) as reader:
        assert reader.measurements("old")["median_s"].tolist() == [0.5]
    assert path.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"other.db", name}  # noqa: PTH208


def test_a_newer_one_is_refused_with_advice(written: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(written, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    bundle._seal(written)
    with pytest.raises(UsageError, match=r"its schema 0999 is newer than .*; upgrade jaxrig"):
        taken(written, tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jaxrig")
    with pytest.raises(UsageError, match="not a regular file"):
        taken(tmp_path / "pipe.jaxrig", tmp_path)


def test_results_are_read_where_nothing_can_be_written(
    url: str, tmp_path: Path, tmpfs: Tmpfs
) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    copy = Path(shutil.copy(url.removeprefix("sqlite:///"), tmpfs.folder))
    tmpfs.close()
    assert said(taken(copy, tmp_path)) == said(url)


def test_of_damaged_results_no_bundle_is_made(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        name = add_run(store, {A: [1.0]})
    with closing(sqlite3.connect(tmp_path / "results.db", isolation_level=None)) as connection:
        connection.execute("UPDATE launches SET limits = '{'")
    with pytest.raises(DatabaseFailure, match=f"damaged: {name}; .*`jaxrig merge`"):
        write(url, tmp_path / "all.jaxrig")
    assert os.listdir(tmp_path) == ["results.db"]  # noqa: PTH208


def test_what_was_killed_goes_along_as_interrupted(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        _, name = begin_run(store, owner="gone")
        path = tmp_path / "x.jaxrig"
        bundle.write(url, path, None, lambda _: None, lambda owner, _: owner == "gone")
    with Reader(taken(path, tmp_path)) as reader:
        assert reader.run(name).status == "interrupted"
