"""Before an SQLite file is upgraded, it is copied as it was."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text

from harness.errors import DatabaseFailure
from harness.store import sqlite
from harness.store.database import SCHEMA_VERSION, back_up, open_for_reading, open_for_writing
from harness.store.migrate import configuration
from tests.checkout import ROOT
from tests.tmpfs import Tmpfs

OLD = "0005"
IMAGE = "INSERT INTO images (digest, tag, first_seen_at) VALUES ('d', 't', '2026-01-01')"


def make_old(url: str) -> Path:
    """A file of an older schema, with one image in it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        settings = configuration()
        settings.attributes["connection"] = connection
        command.upgrade(settings, OLD)
        connection.execute(text(IMAGE))
    engine.dispose()
    return Path(url.removeprefix("sqlite:///"))


def content(path: Path) -> tuple[str, int, str]:
    """Schema version, number of images, and whether SQLite finds it sound."""
    connection = sqlite3.connect(path)
    row = connection.execute(
        "SELECT version_num, (SELECT count(*) FROM images) FROM alembic_version"
    ).fetchone()
    (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return (*row, sound)


def backups(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each != path)


def test_an_older_file_is_copied_before_it_is_upgraded(url: str) -> None:
    path = make_old(url)
    path.chmod(0o640)
    heard: list[str] = []
    open_for_writing(url, heard.append).dispose()
    (name,) = backups(path)
    assert name == "results.db.0005.bak"
    copy = path.with_name(name)
    assert content(path) == (SCHEMA_VERSION, 1, "ok")
    assert content(copy) == (OLD, 1, "ok")
    assert copy.stat().st_mode & 0o777 == 0o640
    assert heard == [
        f"upgrading {url} from schema 0005 to {SCHEMA_VERSION}",
        f"as it was: {copy}",
    ]


def test_what_only_the_log_holds_is_copied_as_well(url: str) -> None:
    path = make_old(url)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute(IMAGE.replace("'d'", "'in the log'"))
    assert path.with_name("results.db-wal").stat().st_size > 0
    open_for_writing(url).dispose()
    other.close()
    assert content(path.with_name("results.db.0005.bak")) == (OLD, 2, "ok")


def test_a_copy_is_never_overwritten(url: str) -> None:
    path = make_old(url)
    first = path.with_name("results.db.0005.bak")
    first.write_text("precious")
    open_for_writing(url).dispose()
    assert first.read_text() == "precious"
    assert content(path.with_name("results.db.0005.2.bak")) == (OLD, 1, "ok")


def test_a_copy_can_be_asked_for(url: str, tmp_path: Path) -> None:
    path = make_old(url)
    back_up(url, tmp_path / "copy.db")
    assert content(tmp_path / "copy.db") == (OLD, 1, "ok")
    with pytest.raises(DatabaseFailure, match="File exists"):
        back_up(url, tmp_path / "copy.db")
    assert content(tmp_path / "copy.db") == content(path)


def test_of_what_is_no_database_there_is_no_copy(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailure, match="no database at"):
        back_up(url, tmp_path / "copy.db")
    tmp_path.joinpath("results.db").write_bytes(b"This is no database. " * 100)
    with pytest.raises(DatabaseFailure, match="another kind of file"):
        back_up(url, tmp_path / "copy.db")
    with pytest.raises(DatabaseFailure, match="pg_dump"):
        back_up("postgresql://ann@h/results", tmp_path / "copy.db")
    assert backups(tmp_path / "results.db") == []


def test_new_and_current_files_are_not_copied(url: str) -> None:
    for _ in range(2):
        open_for_writing(url, pytest.fail).dispose()
    assert backups(Path(url.removeprefix("sqlite:///"))) == []


def test_reading_upgrades_nothing(url: str) -> None:
    path = make_old(url)
    before = path.read_bytes()
    with pytest.raises(DatabaseFailure, match="older schema 0005"):
        open_for_reading(url)
    assert path.read_bytes() == before
    assert backups(path) == []


def test_without_room_for_a_copy_nothing_is_upgraded(tmpfs: Tmpfs) -> None:
    path = make_old(tmpfs.url)
    filler = path.with_name("filler")
    room = 96 << 10  # for the log, and not for a copy
    filler.write_bytes(b"\0" * (shutil.disk_usage(path.parent).free - room))
    with pytest.raises(
        DatabaseFailure, match=r"no copy of the database could be made.*nothing was changed"
    ):
        open_for_writing(tmpfs.url)
    assert backups(path) == ["filler"]
    filler.unlink()
    assert content(path) == (OLD, 1, "ok")


def make_read_only(tmpfs: Tmpfs) -> Path:
    """A database that nobody can write any more; the file."""
    open_for_writing(tmpfs.url).dispose()
    tmpfs.close()
    return tmpfs.folder / "results.db"


def images(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM images")) or 0)


def add_image(url: str, digest: str) -> None:
    engine = open_for_writing(url)
    with engine.begin() as connection:
        connection.execute(text(IMAGE.replace("'d'", f"'{digest}'")))
    engine.dispose()


def test_what_is_written_between_two_questions_is_seen(tmpfs: Tmpfs) -> None:
    make_read_only(tmpfs)
    engine = open_for_reading(tmpfs.url)
    assert images(engine) == 0
    tmpfs.grow("4m")  # and it can be written again
    add_image(tmpfs.url, "first")
    assert images(engine) == 1
    with sqlite3.connect(tmpfs.folder / "results.db") as other:  # a writer that stays
        other.execute(IMAGE.replace("'d'", "'in the log'"))
    assert images(engine) == 2
    other.close()
    engine.dispose()


@pytest.mark.parametrize("stays", [True, False])
def test_what_changes_while_it_is_read_is_told(tmpfs: Tmpfs, stays: bool) -> None:
    file = make_read_only(tmpfs)
    engine = open_for_reading(tmpfs.url)

    def read_and_be_overtaken() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM images"))
            tmpfs.grow("4m")
            if not stays:
                add_image(tmpfs.url, "other")
                return
            other = sqlite3.connect(file)
            other.execute(IMAGE)
            other.commit()
            writers.append(other)

    writers: list[sqlite3.Connection] = []
    with pytest.raises(DatabaseFailure, match="changed while it was read; ask again"):
        read_and_be_overtaken()
    assert file.with_name("results.db-wal").exists() == stays
    assert images(engine) == 1
    for other in writers:
        other.close()
    engine.dispose()


def test_a_copy_of_what_changes_meanwhile_is_not_kept(
    tmpfs: Tmpfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_read_only(tmpfs)
    copy = sqlite._copy

    def copy_and_be_overtaken(source: sqlite3.Connection, to: Path) -> None:
        copy(source, to)
        tmpfs.grow("4m")
        add_image(tmpfs.url, "other")

    monkeypatch.setattr(sqlite, "_copy", copy_and_be_overtaken)
    with pytest.raises(DatabaseFailure, match="changed while it was read"):
        back_up(tmpfs.url, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


OPEN = "import sys; from harness.store.database import open_for_writing as o; o(sys.argv[1])"


def test_of_processes_that_upgrade_at_once_one_does(url: str) -> None:
    path = make_old(url)
    crowd = [subprocess.Popen([sys.executable, "-c", OPEN, url], cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in crowd] == [0, 0, 0]
    assert [name for name in backups(path) if name.endswith(".bak")] == ["results.db.0005.bak"]
    assert content(path) == (SCHEMA_VERSION, 1, "ok")
