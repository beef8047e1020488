"""Runs whose process is gone, wherever runs are told of."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

import harness
from harness.store.writer import Store
from tests.harness.called import called
from tests.harness.history import add_run, begin_run
from tests.harness.samples import A, parsed_measurement

GONE = {
    "owner": "another machine's",
    "deadline_at": datetime.now(UTC) - timedelta(seconds=1),
    "target": "gone",
}


@pytest.fixture
def filled(either_url: str) -> str:
    """A run that is done, one that was killed, and one that is running."""
    with Store(either_url) as store:
        add_run(store, {A: [1.0]}, target="done")
        for changes in (GONE, {"target": "running"}):
            run, _ = begin_run(store, **changes)
            launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
            store.add_measurement(launch, parsed_measurement(A, [1.0]))
    return either_url


def test_they_are_interrupted_in_frames(filled: str) -> None:
    with harness.open(filled) as results:
        for frame in (results.runs(), results.history(A)):
            told = dict(zip(frame["target"], frame["status"], strict=True))
            assert told == {"done": "done", "gone": "interrupted", "running": "running"}


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ("interrupted", ["gone"]),
        (["running"], ["running"]),
        (["interrupted", "done"], ["done", "gone"]),
        (["failed"], []),
        ([], ["done", "gone", "running"]),
    ],
)
def test_they_are_found_as_such(
    filled: str, statuses: str | Collection[str], found: list[str]
) -> None:
    with harness.open(filled) as results:
        for ask in (results.runs, results.history, results.query, results.measurements):
            assert sorted(ask(A, statuses=statuses)["target"]) == found
        assert results.samples(A, statuses=statuses)["run"].nunique() == len(found)


def test_they_are_interrupted_on_the_command_line(
    filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAXRIG_DB", filled)
    for words in (("runs",), ("history", A), ("query",), ("query", "--limit", "3")):
        told = json.loads(called(*words, "--format", "json").out)
        assert {each["target"]: each["status"] for each in told} == {
            "done": "done",
            "gone": "interrupted",
            "running": "running",
        }
