"""A sound database passes, and every kind of damage is told."""

import struct
import zlib

import pytest
from sqlalchemy import create_engine, text

from harness.errors import DatabaseFailure
from harness.store.check import Checked, check
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B
from tests.harness.store.test_ledger import a_regression, put


@pytest.fixture
def filled(either_url: str) -> str:
    """With a regression since its run."""
    with Store(either_url) as store:
        name = add_run(store, {A: [1.0, 1.1], B: [2.0]})
    with Reader(either_url) as reader:
        run = reader.run(name)
    put(either_url, a_regression(run=name, started_at=run.started_at))
    return either_url


def wrong(url: str) -> list[Checked]:
    return [each for each in check(url) if not each.ok]


def damaged(url: str, statement: str, **values: object) -> list[Checked]:
    """What is found after somebody went at it by hand."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.execute(text(statement), values)
    engine.dispose()
    return wrong(url)


def test_what_is_sound_passes(filled: str) -> None:
    assert wrong(filled) == []
    told = {each.check: each.found for each in check(filled)}
    assert (told["runs"], told["samples"]) == ("1 runs", "3 measurements")
    assert told["regressions"] == "1 regressions"


@pytest.mark.parametrize(
    ("statement", "check", "found"),
    [
        ("UPDATE measurements SET rounds = 4 WHERE id = 1", "samples", "3 samples of 4 rounds"),
        ("UPDATE measurements SET median_s = 7 WHERE id = 1", "samples", "a median of 1.0 and"),
        ("UPDATE launches SET status = 'running' WHERE id = 1", "runs", "goes on in a run that"),
        ("UPDATE regressions SET target = 'x'", "regressions", "ab12cd34: its first run is of"),
        ("UPDATE regressions SET run_started_at = '2026-01-01'", "regressions", "ab12cd34"),
    ],
)
def test_what_contradicts_itself_is_told(
    filled: str, statement: str, check: str, found: str
) -> None:
    (problem,) = damaged(filled, statement)
    assert problem.check == check
    assert found in problem.found


MANY = struct.pack("<BBqI", 0, 0, 0x3FF0000000000000, 2**32 - 1)
"""32 GiB of samples, if one believes it."""

BOMB = zlib.compress(b"x" * (17 << 20))


@pytest.mark.parametrize("samples", [b"\x07", MANY])
def test_samples_that_cannot_be_unpacked_are_told(filled: str, samples: bytes) -> None:
    statement = "UPDATE measurements SET samples_s = :samples WHERE id = 1"
    (problem,) = damaged(filled, statement, samples=samples)
    assert "1 problem(s) in 3 measurements: measurement 1: samples that cannot" in problem.found
    with Reader(filled) as reader, pytest.raises(DatabaseFailure, match="`jaxrig db check` tells"):
        reader.measurements("latest")


def test_samples_that_are_no_times_are_told(filled: str) -> None:
    below_zero = struct.pack("<BBqI", 0, 0, -0x4010000000000000, 3)
    (problem,) = damaged(filled, "UPDATE measurements SET samples_s = :x, rounds = 3", x=below_zero)
    assert "measurement 1: samples that are no times" in problem.found


@pytest.mark.parametrize("log", [b"\x07", BOMB, zlib.compress(b"all went well")[:-1]])
def test_logs_that_cannot_be_unpacked_are_told(filled: str, log: bytes) -> None:
    (problem,) = damaged(filled, "UPDATE launches SET log = :log WHERE id = 2", log=log)
    assert (problem.check, "the log of launch 2: text that cannot" in problem.found) == (
        "runs",
        True,
    )
    with Reader(filled) as reader, pytest.raises(DatabaseFailure, match="`jaxrig db check` tells"):
        reader.launches("latest")


def test_what_refers_to_nothing_is_told(url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    (problem,) = damaged(url, "DELETE FROM cases")
    assert (problem.check, "measurements 1 cases" in problem.found) == ("references", True)
