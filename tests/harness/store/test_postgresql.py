"""PostgreSQL's sessions, and its errors: each ends in exit code 6 and says what to do."""

import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

import harness
from harness.errors import DatabaseFailure
from harness.store.database import database_errors, open_for_reading, open_for_writing
from harness.store.writer import Store
from tests import mounts
from tests.checkout import ROOT
from tests.harness.history import add_run
from tests.harness.samples import A
from tests.harness.store.test_database import refusal
from tests.need import need
from tests.postgresql import PASSWORD, USER, Server

LOGIN = f"{USER}:{quote_plus(PASSWORD)}"


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def small_disk(server: Server, size: str) -> Iterator[None]:
    """The tablespace `small`. Needs the right to mount."""
    disk = server.folder / "disk"
    disk.mkdir()
    try:
        mounts.mount_tmpfs(disk, f"size={size},uid={server.folder.stat().st_uid}")
    except OSError as error:
        disk.rmdir()
        need(False, f"the right to mount a tmpfs (root): {error}")
    try:
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        yield
        server.execute("DROP TABLESPACE small")
    finally:
        mounts.unmount(disk)
        disk.rmdir()


@pytest.fixture
def guest(postgresql: Server) -> Iterator[str]:
    """A user who may log in, and nothing else."""
    postgresql.execute("CREATE ROLE guest LOGIN")
    yield "guest"
    postgresql.execute("DROP ROLE guest")


@pytest.fixture
def writer(postgresql_url: str) -> Iterator[Connection]:
    """A connection to a database with the schema."""
    engine = open_for_writing(postgresql_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_sessions_are_jaxrig_s_and_count_time_in_utc(writer: Connection) -> None:
    def setting(name: str) -> object:
        return writer.scalar(text(f"SHOW {name}"))

    writer.rollback()  # settings outlive a transaction
    assert setting("application_name") == "jaxrig"
    assert setting("TimeZone") == "UTC"
    assert setting("lock_timeout") == "90s"
    assert setting("default_transaction_read_only") == "off"


def test_what_is_read_as_text_does_not_depend_on_the_server_s_taste(
    postgresql: Server, postgresql_url: str
) -> None:
    for setting in ("datestyle = 'SQL, DMY'", "extra_float_digits = -3"):
        postgresql.execute(f"ALTER DATABASE {name_of(postgresql_url)} SET {setting}")
    with Store(postgresql_url) as store:
        add_run(store, {A: [1 / 3]})
    with harness.open(postgresql_url) as results:
        row = results.history(A).iloc[0]
    assert row["median_s"] == 1 / 3
    assert abs(row["started_at"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_reader_sees_the_database_as_it_was_when_it_began(
    writer: Connection, postgresql_url: str
) -> None:
    count = text("SELECT count(*) FROM images")
    image = text("INSERT INTO images (digest, tag, first_seen_at) VALUES (:digest, 't', now())")
    engine = open_for_reading(postgresql_url)
    for before in range(2):
        with engine.connect() as connection:
            assert connection.scalar(count) == before
            writer.execute(image, {"digest": str(before)})
            writer.commit()
            assert connection.scalar(count) == before
    engine.dispose()


def test_the_server_of_these_tests_counts_time_elsewhere(postgresql: Server) -> None:
    with postgresql.connect() as connection:
        assert connection.execute("SHOW TimeZone").fetchone() == ("Asia/Kolkata",)


def test_a_reader_cannot_write(writer: Connection, postgresql_url: str) -> None:
    engine = open_for_reading(postgresql_url)
    with (
        engine.connect() as connection,
        pytest.raises(DatabaseFailure, match="read-only transaction"),
        database_errors(postgresql_url),
    ):
        connection.execute(text("DELETE FROM runs"))
    engine.dispose()


def test_a_reader_outlives_a_restart(
    writer: Connection, postgresql: Server, postgresql_url: str
) -> None:
    engine = open_for_reading(postgresql_url)
    postgresql.restart()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM runs")) == 0
    engine.dispose()


def test_a_server_that_does_not_run_is_told_with_its_address() -> None:
    message = refusal("postgresql+psycopg://ann:s3cret@127.0.0.1:1/results")
    assert 'at "127.0.0.1", port 1 failed: Connection refused' in message
    assert "check host and port, and that the server runs" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("way", ["URL", "PGPASSWORD", "PGPASSFILE"])
def test_a_password_comes_by_several_ways(
    postgresql: Server,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    way: str,
) -> None:
    passwords = tmp_path / "pgpass"
    in_file = PASSWORD.replace(":", r"\:")
    passwords.write_text(f"127.0.0.1:{postgresql.port}:*:{USER}:{in_file}\n")
    passwords.chmod(stat.S_IRUSR)
    ways = {"PGPASSWORD": PASSWORD, "PGPASSFILE": str(passwords)}
    if way in ways:
        monkeypatch.setenv(way, ways[way])
    login = LOGIN if way == "URL" else USER
    open_for_writing(postgresql.tcp_url(name_of(postgresql_url), login=login)).dispose()


@pytest.mark.parametrize("login", [f"{USER}:wr0ng", USER])
@pytest.mark.parametrize("writing", [True, False])
def test_a_wrong_password_is_told_and_not_shown(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch, login: str, writing: bool
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    message = refusal(postgresql.tcp_url(login=login), writing=writing)
    told = "password authentication failed" if "wr0ng" in login else "no password supplied"
    assert told in message
    assert "PGPASSWORD, ~/.pgpass or JAXRIG_DB" in message
    assert "wr0ng" not in message


@pytest.mark.parametrize("driver", ["s3cret is no address", "option s3cret"])
def test_not_even_a_traceback_has_what_the_driver_says_of_a_password(driver: str) -> None:
    url = "postgresql+psycopg://ann:s3cret@h/results"
    with pytest.raises(DatabaseFailure) as refused, database_errors(url):
        raise OperationalError("SELECT 1", {}, psycopg.OperationalError(driver))
    told = "".join(traceback.format_exception(refused.value))
    assert driver.replace("s3cret", "***") in told
    assert "s3cret" not in told


def test_a_database_that_is_not_there_is_told(postgresql: Server) -> None:
    message = refusal(postgresql.url("nowhere"))
    assert 'database "nowhere" does not exist: make it (createdb)' in message


def test_a_user_who_is_not_there_is_told(postgresql: Server) -> None:
    assert "name another in the URL" in refusal(postgresql.url(user="nobody_here"))


@pytest.mark.parametrize("writing", [True, False])
def test_a_missing_right_is_told(
    postgresql: Server, guest: str, postgresql_url: str, writing: bool
) -> None:
    if not writing:
        open_for_writing(postgresql_url).dispose()
    message = refusal(postgresql.url(name_of(postgresql_url), user=guest), writing=writing)
    assert "permission denied" in message
    assert "its owner can GRANT it" in message


def test_too_many_connections_are_told(postgresql: Server, guest: str, postgresql_url: str) -> None:
    postgresql.execute("ALTER ROLE guest CONNECTION LIMIT 0")
    message = refusal(postgresql.url(name_of(postgresql_url), user=guest))
    assert 'too many connections for role "guest": it has no connection left' in message


def test_a_server_that_takes_no_writes_is_told(postgresql: Server, postgresql_url: str) -> None:
    name = name_of(postgresql_url)
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    message = refusal(postgresql_url)
    assert "read-only transaction: it takes no writes" in message


def test_a_server_that_stops_is_told(
    writer: Connection, postgresql: Server, postgresql_url: str
) -> None:
    pid = writer.scalar(text("SELECT pg_backend_pid()"))
    postgresql.execute(f"SELECT pg_terminate_backend({pid})")
    with (
        pytest.raises(DatabaseFailure, match="the server stops or starts") as told,
        database_errors(postgresql_url),
    ):
        writer.execute(text("SELECT 1"))
    assert told.value.exit_code == 6


def test_a_full_disk_is_told(writer: Connection, postgresql: Server, postgresql_url: str) -> None:
    with small_disk(postgresql, "256k"):
        writer.execute(text("CREATE TABLE much (words text) TABLESPACE small"))
        writer.commit()
        fill = "INSERT INTO much SELECT repeat('x', 1000) FROM generate_series(1, 1000)"
        with (
            pytest.raises(DatabaseFailure, match="the server's disk is full; make room there"),
            database_errors(postgresql_url),
        ):
            writer.execute(text(fill))
        writer.rollback()
        writer.execute(text("DROP TABLE much"))
        writer.commit()


def test_without_psycopg_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'psycopg[binary]'" in refusal("postgresql+psycopg://ann@h/results")


ONLY_SQLITE = """
import sys
from harness.cli import main
from harness.store.writer import Store
Store(sys.argv[1]).close()
assert main(["runs", "--db", sys.argv[1]]) == 0
assert "psycopg" not in sys.modules
"""


def test_who_uses_sqlite_does_not_wait_for_psycopg(url: str) -> None:
    subprocess.run(
        [sys.executable, "-c", ONLY_SQLITE, url], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
