"""Pages of runs."""

from typing import Any

import pytest

from harness.store.database import open_for_reading
from harness.store.filters import Filters
from harness.store.names import read_names
from harness.store.overview import page_of_runs, read_runs_of
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A, B


def page(url: str, gone: frozenset[str] = frozenset(), **asked: Any) -> list[int]:
    how = {"limit": 10, "offset": 0} | {k: asked.pop(k) for k in ("limit", "offset") if k in asked}
    engine = open_for_reading(url)
    with engine.connect() as connection:
        found = page_of_runs(connection, Filters(**asked), read_names(connection), gone=gone, **how)
    engine.dispose()
    return found


@pytest.fixture
def five(either_url: str) -> str:
    """One with another case, one that failed, one that runs, and one that is gone."""
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_run(store, {B: [1.0]}, target="mine")
        add_run(store, {A: [1.0]}, status="failed", environment={"jax": "0.8.0"})
        begin_run(store)
        begin_run(store)
    return either_url


def test_the_newest_come_first_and_page_by_page(five: str) -> None:
    assert page(five) == [5, 4, 3, 2, 1]
    assert page(five, limit=2) == [5, 4]
    assert page(five, limit=2, offset=3) == [2, 1]
    assert page(five, limit=2, offset=5) == []


def test_pages_are_of_what_is_asked_for(five: str) -> None:
    assert page(five, target="mine") == [2]
    assert page(five, cases=[A]) == [3, 1]
    assert page(five, cases=["matmul/*"], limit=1, offset=1) == [2]
    assert page(five, jax="0.8.0") == [3]


def test_statuses_are_as_they_are_and_not_as_they_are_marked(five: str) -> None:
    with Reader(five) as reader:
        gone = frozenset({reader.runs()[0].run})
    assert page(five, gone, statuses=["interrupted"]) == [5]
    assert page(five, gone, statuses=["running"]) == [4]
    assert page(five, gone, statuses=["failed"]) == [3]
    assert page(five, gone, statuses=["running", "interrupted"]) == [5, 4]


def test_rows_are_the_runs_that_the_reader_tells(five: str) -> None:
    engine = open_for_reading(five)
    with engine.connect() as connection:
        found = read_runs_of(connection, [1, 3, 99])
    engine.dispose()
    with Reader(five) as reader:
        runs = {run.run: run for run in reader.runs()}
    assert sorted(found) == [1, 3]
    assert all(runs[run.run] == run for run in found.values())
