"""A sound database passes, and every kind of damage is told."""

import pytest
from sqlalchemy import create_engine, text

from harness.store.check import Checked, check
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B


@pytest.fixture
def filled(either_url: str) -> str:
    with Store(either_url) as store:
        add_run(store, {A: [1.0, 1.1], B: [2.0]})
    return either_url


def wrong(url: str) -> list[Checked]:
    return [each for each in check(url) if not each.ok]


def damaged(url: str, statement: str) -> list[Checked]:
    """What is found after somebody went at it by hand."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.execute(text(statement))
    engine.dispose()
    return wrong(url)


def test_what_is_sound_passes(filled: str) -> None:
    assert wrong(filled) == []
    told = {each.check: each.found for each in check(filled)}
    assert (told["runs"], told["samples"]) == ("1 runs", "3 measurements")


@pytest.mark.parametrize(
    ("statement", "check", "found"),
    [
        ("UPDATE measurements SET rounds = 4 WHERE id = 1", "samples", "3 samples of 4 rounds"),
        ("UPDATE measurements SET median_s = 7 WHERE id = 1", "samples", "a median of 1.0 and"),
        ("UPDATE launches SET status = 'running' WHERE id = 1", "runs", "go on in runs that ended"),
    ],
)
def test_what_contradicts_itself_is_told(
    filled: str, statement: str, check: str, found: str
) -> None:
    (problem,) = damaged(filled, statement)
    assert problem.check == check
    assert found in problem.found


def test_samples_that_cannot_be_unpacked_are_told(url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    (problem,) = damaged(url, "UPDATE measurements SET samples_s = x'07'")
    assert "measurement 1: samples cannot be unpacked" in problem.found


def test_what_refers_to_nothing_is_told(url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    (problem,) = damaged(url, "DELETE FROM cases")
    assert (problem.check, "measurements 1 cases" in problem.found) == ("references", True)
