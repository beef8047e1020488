"""Runs whose process is gone: who closes them, and when."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from harness.store.reader import Reader
from tests.checkout import ROOT
from tests.harness.history import begin_run
from tests.harness.runner.bench import Bench, plan
from tests.harness.samples import (
    A,
)

OWN_A_RUN = """
import sys
from harness.store.writer import Store
from tests.harness.history import begin_run
store = Store(sys.argv[1])
run, _ = begin_run(store)
store.begin_launch(run, index=0, part=0, limits={}, env={})
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def owner_of_a_run(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun a run and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", OWN_A_RUN, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_run_whose_process_was_killed_is_closed_by_the_next_one(bench: Bench) -> None:
    with owner_of_a_run(bench.url) as dead, owner_of_a_run(bench.url):
        elsewhere, _ = begin_run(bench.store, owner="another-boot/4026531836/1/1")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        bench.execute(plan(A))
        with Reader(bench.url) as reader:
            runs = reader.runs()[::-1]
            killed, living, foreign, this = (run.status for run in runs)
            assert (killed, living, foreign, this) == ("interrupted", "running", "running", "done")
            assert reader.launches(runs[0].run)[0].status == "interrupted"
            assert reader.launches(runs[1].run)[0].status == "running"
    assert elsewhere in [each.id for each in bench.store.open_runs()]


def test_a_run_that_must_be_over_is_closed_wherever_it_was(bench: Bench) -> None:
    """After a power cut nobody can ask for its process: the time it may take decides."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    begin_run(bench.store, owner="another-boot/4026531836/1/1", deadline_at=past)
    bench.execute(plan(A))
    with Reader(bench.url) as reader:
        assert [run.status for run in reader.runs()] == ["done", "interrupted"]
