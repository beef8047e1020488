"""A statement of the user's own reads, and does nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import DatabaseFailure, UsageError
from harness.store.reader import Reader
from harness.store.statement import read_statement
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B

COPIED = Path("/tmp/jaxrig-copied")

REFUSED = (
    "",
    "selec",
    "SELECT * FROM nowhere",
    "SELECT 1; SELECT 2",
    "SELECT 1; COMMIT; DROP TABLE runs",
    "DELETE FROM skips",
    "DELETE FROM runs RETURNING id",
    "WITH gone AS (DELETE FROM skips RETURNING id) SELECT * FROM gone",
    "UPDATE runs SET status = 'failed'",
    "DROP TABLE skips",
    "CREATE TEMPORARY TABLE mine (x int)",
    "CREATE TABLE mine AS SELECT 1",
    "SELECT 1 AS x INTO mine",
    "COMMIT",
    "BEGIN",
    "ROLLBACK",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "ATTACH DATABASE 'other.db' AS other",
    "VACUUM INTO 'copy.db'",
    "REINDEX",
    "SELECT load_extension('x')",
    "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    f"COPY runs TO '{COPIED}'",
    "DO $$ BEGIN DELETE FROM skips; END $$",
    "SELECT nextval('runs_id_seq')",
    "SELECT ?",
    "SELECT $1",
    "SELECT abs(-9223372036854775807 - id) FROM runs",
)


@pytest.fixture
def filled(either_url: str) -> str:
    with Store(either_url) as store:
        add_run(store, {A: [1.0, 2.0], B: [3.0]}, skips=[("x", "y")])
    return either_url


def answer(url: str, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with read_statement(url, statement) as (names, rows):
        return names, list(rows)


def test_what_reads_is_answered(filled: str) -> None:
    for statement in (
        "SELECT name FROM cases ORDER BY name",
        "  select name from cases order by name ; ",
        "WITH x AS (SELECT name FROM cases) SELECT * FROM x ORDER BY name -- said ?",
        "/* %s :a */ SELECT name FROM cases WHERE name LIKE '%mat%' AND name <> ':a' ORDER BY name",
    ):
        assert answer(filled, statement) == (["name"], [(A,), (B,)]), statement


def test_samples_are_numbers_and_no_name_comes_twice(filled: str) -> None:
    names, rows = answer(
        filled, "SELECT median_s, median_s, samples_s FROM measurements WHERE median_s = 2"
    )
    assert names == ["median_s", "median_s_2", "samples_s"]
    (row,) = rows
    assert row[:2] == (2.0, 2.0)
    assert np.array_equal(row[2], [2.0, 2.0, 2.0])


def test_other_bytes_stay_bytes(url: str, store: Store) -> None:
    assert answer(url, "SELECT x'00ff' AS samples_s")[1] == [(b"\x00\xff",)]


def test_no_rows_have_names(filled: str) -> None:
    assert answer(filled, "SELECT id, name FROM runs WHERE id < 0") == (["id", "name"], [])


def test_what_does_not_read_is_refused_with_the_database_s_words(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for statement in REFUSED:
        with pytest.raises(UsageError) as refused:
            answer(filled, statement)
        assert len(str(refused.value)) > len("--sql: "), statement
        assert "\n" not in str(refused.value), statement
    assert list(folder.iterdir()) == []
    assert not COPIED.exists()
    with Reader(filled) as reader:
        assert [run.status for run in reader.runs()] == ["done"]
        assert len(reader.skips("latest")) == 2
    with Store(filled) as store:  # and it can still be written
        add_run(store, {A: [1.0]})


def test_how_a_table_is_made_can_be_asked(store: Store, url: str) -> None:
    names, rows = answer(url, "PRAGMA table_info(skips)")
    assert names[1] == "name"
    assert [row[1] for row in rows] == ["id", "launch_id", "case", "reason"]


def test_rows_are_read_as_they_are_taken(filled: str) -> None:
    endless = (
        "WITH RECURSIVE counted AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM counted) "
        "SELECT n FROM counted"
    )
    with read_statement(filled, endless) as (_, rows):
        assert [next(rows)[0] for _ in range(3)] == [0, 1, 2]


def test_a_database_that_is_not_there_is_no_mistake_in_the_statement(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseFailure, match="no database at"),
        read_statement(f"sqlite:///{tmp_path}/none.db", "SELECT 1"),
    ):
        pass
