"""Runs by their commits."""

from typing import Any

import pytest

from harness.errors import UsageError
from harness.order import by_commit, unplaced

PLACES = {"a": 0, "b": 1, "c": 2}


def columns(*rows: tuple[str, str | None], **same: Any) -> dict[str, list[Any]]:
    """`rows`: run and commit."""
    where = {"case": "x", "machine": "m", "target": "cpu", "isolation": "container", **same}
    runs, commits = zip(*rows, strict=True)
    constant = {name: [value] * len(rows) for name, value in where.items()}
    return {**constant, "run": list(runs), "git_commit": list(commits)}


def test_runs_come_by_commit_and_those_of_one_as_they_were() -> None:
    found = by_commit(columns(("1", "c"), ("2", "a"), ("3", "c"), ("4", "b"), ("5", "a")), PLACES)
    assert found["run"] == ["2", "5", "4", "1", "3"]
    assert found["git_commit"] == ["a", "a", "b", "c", "c"]


def test_a_run_without_a_place_follows_the_one_before_it() -> None:
    rows = (("1", None), ("2", "c"), ("3", "unknown"), ("4", "a"), ("5", None))
    assert by_commit(columns(*rows), PLACES)["run"] == ["1", "4", "5", "2", "3"]


def test_each_series_by_itself() -> None:
    first, second = (columns(("1", "b"), ("2", "a"), case=case) for case in "xy")
    both = {name: [*first[name], *second[name]] for name in first}
    both["isolation"] = ["container", "process", "process", "container"]
    found = by_commit(both, PLACES)
    assert list(zip(found["case"], found["isolation"], found["run"], strict=True)) == [
        ("x", "container", "1"),
        ("x", "process", "2"),
        ("y", "container", "2"),
        ("y", "process", "1"),
    ]


def test_runs_without_a_place_are_told() -> None:
    rows = (("1", "a"), ("2", "d" * 40), ("2", "d" * 40), ("3", None))
    assert unplaced(columns(*rows), PLACES) == (
        f"2 run(s) of commits that this checkout does not know ({'d' * 12}) stand behind the run "
        "before them in time"
    )
    assert unplaced(columns(("1", "a")), PLACES) is None


def test_a_checkout_that_knows_no_commit_is_another_one() -> None:
    with pytest.raises(UsageError, match="this checkout knows no commit of these runs"):
        by_commit(columns(("1", "d"), ("2", None)), PLACES)
    nothing: dict[str, list[Any]] = {name: [] for name in columns(("1", "a"))}
    assert by_commit(nothing, PLACES) == nothing
