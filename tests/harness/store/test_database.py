"""Opening a database: what can go wrong ends in exit code 6 and says what to do."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import (
    Dialect,
    Engine,
    String,
    TypeDecorator,
    create_engine,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from harness.errors import DatabaseFailure
from harness.store import database
from harness.store.database import (
    SCHEMA_VERSION,
    database_errors,
    open_for_reading,
    open_for_writing,
)
from tests.checkout import ROOT
from tests.tmpfs import Tmpfs


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def make(url: str) -> Path:
    """The file, where it is one."""
    open_for_writing(url).dispose()
    return file_of(url)


def execute(url: str, statement: str) -> None:
    """Past jaxrig."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def set_version(url: str, version: str) -> None:
    execute(url, f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608


def refusal(url: str, *, writing: bool = True) -> str:
    with pytest.raises(DatabaseFailure) as refused:
        (open_for_writing if writing else open_for_reading)(url)
    assert refused.value.exit_code == 6
    return str(refused.value)


def test_a_writer_makes_the_database_and_a_reader_finds_it(either_url: str) -> None:
    make(either_url)
    engine = open_for_reading(either_url)
    with engine.connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    assert version == SCHEMA_VERSION


def test_a_writer_s_connections_are_set_up_for_safety(url: str) -> None:
    engine = open_for_writing(url)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1  # NORMAL
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            connection.execute(
                text(
                    "INSERT INTO failures (run_id, kind, message, happened_at)"
                    " VALUES (77, 'raised', '', '2026-01-01')"
                )
            )
    engine.dispose()


def test_reading_never_makes_a_file(url: str) -> None:
    assert "no database at" in refusal(url, writing=False)
    assert "`jaxrig run` makes one" in refusal(url, writing=False)
    assert list(file_of(url).parent.iterdir()) == []


def test_reading_leaves_a_database_as_it_is(url: str) -> None:
    before = make(url).read_bytes()
    engine = open_for_reading(url)
    with (
        engine.connect() as connection,
        pytest.raises(DatabaseFailure, match="readonly"),
        database_errors(url),
    ):
        connection.execute(text("DELETE FROM alembic_version"))
    engine.dispose()
    assert file_of(url).read_bytes() == before
    assert list(file_of(url).parent.iterdir()) == [file_of(url)]


def test_another_program_s_database_is_refused_and_left_as_it_is(either_url: str) -> None:
    execute(either_url, "CREATE TABLE bookmarks (name INTEGER)")
    assert "holds no jaxrig results" in refusal(either_url, writing=False)
    assert "another program's tables" in refusal(either_url, writing=True)
    engine = create_engine(either_url)
    assert inspect(engine).get_table_names() == ["bookmarks"]
    engine.dispose()


@pytest.mark.parametrize("writing", [True, False])
def test_a_schema_versioned_by_another_program_is_refused(either_url: str, writing: bool) -> None:
    make(either_url)
    set_version(either_url, "0000ab12cd")
    assert "versioned by another program (0000ab12cd)" in refusal(either_url, writing=writing)


def test_a_schema_without_its_tables_is_refused(either_url: str) -> None:
    make(either_url)
    cascade = "" if either_url.startswith("sqlite") else "CASCADE"
    execute(either_url, "DROP VIEW run_overview")
    execute(either_url, f"DROP TABLE runs {cascade}")
    assert "it is damaged or not jaxrig's" in refusal(either_url)


def test_a_database_without_a_write_ahead_log_is_refused(tmp_path: Path) -> None:
    """As on a network file system: this way into SQLite has no shared memory."""
    url = f"sqlite:///file:{tmp_path}/results.db?vfs=unix-none&uri=true"
    assert "stays in journal mode delete" in refusal(url)


def test_results_on_a_read_only_file_system_can_be_read(tmpfs: Tmpfs) -> None:
    make(tmpfs.url)
    tmpfs.close()
    engine = open_for_reading(tmpfs.url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM run_overview")).scalar() == 0
    engine.dispose()


def test_an_empty_file_is_refused_by_a_reader_and_filled_by_a_writer(url: str) -> None:
    file_of(url).touch()
    assert "holds no jaxrig results" in refusal(url, writing=False)
    assert file_of(url).read_bytes() == b""
    heard: list[str] = []
    open_for_writing(url, heard.append).dispose()
    assert heard == [f"{file_of(url)} was an empty file: a new database is made in it"]
    open_for_reading(url).dispose()
    open_for_writing(url, pytest.fail).dispose()


@pytest.mark.parametrize("writing", [True, False])
def test_another_kind_of_file_is_refused(url: str, writing: bool) -> None:
    file_of(url).write_bytes(b"This is no database. " * 100)
    assert "another kind of file" in refusal(url, writing=writing)
    assert file_of(url).read_bytes() == b"This is no database. " * 100


@pytest.mark.parametrize("writing", [True, False])
def test_a_damaged_database_is_refused(url: str, writing: bool) -> None:
    path = make(url)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    assert "damaged" in refusal(url, writing=writing)


@pytest.mark.parametrize("writing", [True, False])
def test_a_folder_in_the_database_s_place_is_refused(url: str, writing: bool) -> None:
    file_of(url).mkdir()
    assert "check the folder" in refusal(url, writing=writing)


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    assert "check the folder" in refusal(f"sqlite:///{tmp_path}/nowhere/results.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_system_that_cannot_be_written_is_refused(tmpfs: Tmpfs) -> None:
    make(tmpfs.url)
    tmpfs.close()
    assert "check" in refusal(tmpfs.url)


@pytest.mark.parametrize("writing", [True, False])
def test_a_newer_schema_is_refused(either_url: str, writing: bool) -> None:
    make(either_url)
    set_version(either_url, "0999")
    message = refusal(either_url, writing=writing)
    assert "0999" in message
    assert "upgrade jaxrig" in message


def test_an_older_schema_is_not_read_with_the_wrong_eyes(either_url: str) -> None:
    make(either_url)
    set_version(either_url, "0000")
    assert "`jaxrig db upgrade` or the next `jaxrig run` upgrades it" in refusal(
        either_url, writing=False
    )


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("results.db", "is not a database URL; write sqlite:///FILE"),
        ("", "is not a database URL"),
        ("oracle9://x/y", "not one of the databases here; use sqlite:///FILE or postgresql+"),
        ("sqlite+aiosqlite:///x.db", "not one of the databases here"),
        ("postgresql+psycopg2://x/y", "not one of the databases here"),
        ("postgresql+psycopg://ann@h:port/y", "is not a database URL"),
        ("sqlite://", "it is in memory; write sqlite:///FILE"),
        ("sqlite:///:memory:", "it is in memory"),
        ("sqlite:///file:m?mode=memory&uri=true", "it is in memory"),
        ("sqlite:////dev/null?timeout=soon", "could not convert string to float"),
    ],
)
@pytest.mark.parametrize("writing", [True, False])
def test_what_is_no_url_of_a_database_is_refused(url: str, advice: str, writing: bool) -> None:
    assert advice in refusal(url, writing=writing)


@pytest.mark.parametrize(
    "url",
    [
        "oracle9://user:secret@host/db",
        "postgresql://user:secret@host:x/db",
        "postgresql://user:secret@127.0.0.1:1/db",
        "postgresql://user:secret@127.0.0.1:1/db?nonsense=1",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    assert "secret" not in refusal(url)


class Stopped(Exception, KeyboardInterrupt):
    pass


class Stopping(TypeDecorator[str]):
    """A signal comes while a parameter is made."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:  # noqa: ARG002
        raise Stopped


def test_a_signal_is_no_failure_of_the_database(url: str) -> None:
    make(url)
    engine = open_for_reading(url)
    with pytest.raises(Stopped), database_errors(url), engine.connect() as connection:
        connection.execute(select(literal("x", Stopping)))
    engine.dispose()


def test_a_lock_that_is_held_too_long_is_reported(url: str) -> None:
    make(url)
    holder = sqlite3.connect(file_of(url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    open_for_reading(url).dispose()  # readers do not wait for a writer
    engine = create_engine(url, connect_args={"timeout": 0.01})
    with (
        pytest.raises(DatabaseFailure, match="another process held it too long"),
        database_errors(url),
        engine.begin() as connection,
    ):
        connection.execute(text("DELETE FROM failures"))
    engine.dispose()
    holder.close()


OPEN = "import sys; from harness.store.writer import Store; Store(sys.argv[1]).close()"


def test_a_database_is_only_made_where_it_may_be(either_url: str) -> None:
    with pytest.raises(DatabaseFailure, match=r"no database at|holds no jaxrig results"):
        open_for_writing(either_url, make=False)
    if either_url.startswith("sqlite"):
        assert not file_of(either_url).exists()
    make(either_url)
    open_for_writing(either_url, make=False).dispose()


def test_what_another_process_makes_meanwhile_is_no_other_program_s(
    either_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made between two looks at it: at its version, and at its tables."""
    look = database._version

    def look_and_be_overtaken(engine: Engine) -> str | None:
        found = look(engine)
        monkeypatch.setattr(database, "_version", look)
        make(either_url)
        return found

    monkeypatch.setattr(database, "_version", look_and_be_overtaken)
    open_for_writing(either_url).dispose()
    open_for_reading(either_url).dispose()


def test_processes_that_open_a_new_database_at_once_all_succeed(either_url: str) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, either_url], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert [process.communicate()[1] for process in crowd] == [""] * 3
    assert [process.returncode for process in crowd] == [0] * 3
    open_for_reading(either_url).dispose()
