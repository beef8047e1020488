"""A run whose process is gone has ended, whatever it is marked as."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from containers import owner
from harness.runner.abandoned import is_abandoned
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import begin_run

LATER = datetime.now(UTC) + timedelta(hours=1)
SAY_WHO = "from containers import owner; print(owner.this_process())"


def somebody_gone() -> str:
    done = subprocess.run([sys.executable, "-c", SAY_WHO], capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_who_is_there_is_not_gone() -> None:
    assert not is_abandoned(owner.this_process(), LATER)


def test_who_has_ended_is() -> None:
    assert is_abandoned(somebody_gone(), LATER)


def test_so_is_whoever_should_be_over_by_now() -> None:
    assert is_abandoned("another machine's", datetime.now(UTC) - timedelta(seconds=1))


def test_an_abandoned_run_is_shown_as_interrupted(store: Store, url: str) -> None:
    begin_run(store, owner=somebody_gone())
    with Reader(url, is_abandoned) as reader:
        assert [run.status for run in reader.runs()] == ["interrupted"]
        assert reader.run("latest").status == "interrupted"
    begin_run(store)
    with Reader(url, is_abandoned) as reader:
        assert [run.status for run in reader.runs()] == ["running", "interrupted"]
