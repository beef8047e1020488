"""What cannot be read of a database that is taken into another: told, left out, the rest comes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from harness.store.copying import SourceFailure
from harness.store.merge import merge
from harness.store.reader import Reader
from harness.store.url import shown
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B
from tests.harness.store.filled import sizes
from tests.harness.store.nights import taken
from tests.postgresql import Server


@pytest.fixture
def three(source: str) -> list[str]:
    """Runs whose failures are so long that they fill pages of their own."""
    with Store(source) as store:
        return [
            add_run(store, {A: [1.0]}, failures=[(B, "raised", f"boom {number} " * 4000)])
            for number in range(3)
        ]


def damage(url: str, number: int) -> None:
    """A page of that run's failure goes on where there is none."""
    path, mark = Path(url.removeprefix("sqlite:///")), f"boom {number} ".encode()
    content = bytearray(path.read_bytes())
    pages = range(4096, len(content), 4096)
    at = next(at for at in pages if content[at] == 0 and mark in content[at + 4 : at + 100])
    assert any(content[at : at + 4])  # another one follows it
    content[at : at + 4] = b"\xff" * 4
    path.write_bytes(content)


def change(url: str, statement: str) -> None:
    """By a hand that nothing is forbidden to."""
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


def test_a_damaged_run_is_told_and_the_others_come(
    source: str, three: list[str], either_url: str
) -> None:
    damage(source, 1)
    lines: list[str] = []
    with Store(either_url) as store:
        merged = merge(source, store, say=lines.append)
    assert (merged.runs_added, merged.unreadable) == (2, [three[1]])
    assert merged.runs == [three[0], three[2]]
    with Reader(either_url) as reader:
        assert {run.run for run in reader.runs()} == {three[0], three[2]}
    (told,) = [line for line in lines if "left out" in line]
    assert told.startswith(f"{three[1]} cannot be read, and is left out: {source}: ")
    assert "malformed" in told


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE runs SET uuid = 'nonsense' WHERE id = 2", "row 2 of runs"),
        ("UPDATE runs SET uuid = 7 WHERE id = 2", "row 2 of runs"),
        ("UPDATE runs SET started_at = 'once' WHERE id = 2", None),
        ("UPDATE runs SET machine_id = 99 WHERE id = 2", None),
        ("UPDATE launches SET limits = '{' WHERE id = 2", None),
        ("UPDATE failures SET launch_id = 1 WHERE run_id = 2", None),
        ("UPDATE measurements SET median_s = -1 WHERE launch_id = 2", None),
        ("UPDATE measurements SET median_s = x'ff' WHERE launch_id = 2", None),
    ],
)
def test_so_is_one_that_tells_nonsense(
    source: str, three: list[str], either_url: str, statement: str, what: str | None
) -> None:
    change(source, statement)
    with Store(either_url) as store:
        merged = merge(source, store)
        again = merge(source, store)
    assert merged.unreadable == again.unreadable == [what or three[1]]
    assert (merged.runs_added, again.runs_known) == (2, 2)


def test_a_damaged_pairing_keeps_no_run_out(nights: str, url: str) -> None:
    change(nights, "UPDATE verdicts SET remarks = '{' WHERE pairing_id = 1")
    change(nights, "UPDATE pairings SET uuid = 'nonsense' WHERE id = 3")
    with Store(url) as store:
        merged = merge(nights, store)
    assert (merged.runs_added, sizes(url)["pairings"]) == (8, 1)
    assert [what.split()[0] for what in merged.unreadable] == ["row", "pairing"]


def test_a_source_of_which_nothing_can_be_read_is_named(source: str, url: str) -> None:
    with Store(source) as store:
        add_run(store, {A: [1.0]})
    path = Path(source.removeprefix("sqlite:///"))
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(SourceFailure, match=r"source\.db: database disk image is malformed"):
        taken(source, url)


def test_of_postgresql_a_row_that_cannot_be_read_is_left_out(
    source: str, three: list[str], postgresql_url: str, url: str
) -> None:
    taken(source, postgresql_url)
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE skips RENAME TO kept"))
        connection.execute(
            text(
                'CREATE VIEW skips AS SELECT id, launch_id, "case", reason FROM kept UNION '
                "SELECT 1 / (id - 2), id, '', '' FROM launches WHERE id = 2"
            )
        )
    engine.dispose()
    with Store(url) as store:
        merged = merge(postgresql_url, store)
    assert (merged.runs, merged.unreadable) == ([three[0], three[2]], [three[1]])


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_database USING (datname) "
    "WHERE NOT datallowconn"
)
"""Of databases that let nobody in."""


def test_a_source_that_goes_away_is_not_waited_for(
    source: str, three: list[str], postgresql: Server, either_url: str
) -> None:
    lines: list[str] = []
    with postgresql.database() as lost:
        taken(source, lost)

        def say(line: str) -> None:
            lines.append(line)
            postgresql.execute(f"ALTER DATABASE {make_url(lost).database} ALLOW_CONNECTIONS false")
            postgresql.execute(END_OTHERS)

        with Store(either_url) as store, pytest.raises(SourceFailure) as failure:
            merge(lost, store, say=say)
    assert shown(lost) in str(failure.value)
    assert lines == [f"{three[0]}: 1 measurements"]  # no word of waiting, or of the other runs
    assert sizes(either_url)["runs"] == 1
