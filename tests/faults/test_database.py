"""kill -9, a server that restarts, many writers: nothing acknowledged is lost, or doubled."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from harness.runner.abandoned import is_abandoned
from harness.runner.run import close_abandoned
from harness.store.check import check
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.command import Jaxrig
from tests.postgresql import Server

LONG = "JAXRIG_LONG_TESTS" in os.environ
MOMENTS = 50 if LONG else 3
WRITERS = 8
RUNS_EACH = 500 if LONG else 25

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(40))
def test_number(benchmark, number):
    benchmark.pedantic(sum, args=(range(1000),), rounds=5)
"""
MEASURED = re.compile(r"launch \d+/\d+  (test_suite.py::test_number\[\d+\])  ")


@pytest.fixture
def jaxrig(tmp_path: Path) -> Jaxrig:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_suite.py").write_text(SUITE)
    return Jaxrig(folder=tmp_path)


def start(jaxrig: Jaxrig, *words: str) -> subprocess.Popen[str]:
    return jaxrig.start("run", "--isolation", "process", "--workloads", "suite", *words)


def acknowledged(err: str) -> int:
    """How many measurements were told to be kept."""
    return len(MEASURED.findall(err))


def sound(url: str) -> bool:
    return all(each.ok for each in check(url))


def read_until(running: subprocess.Popen[str], wanted: int, seen: list[str]) -> None:
    """Until so many measurements are acknowledged; what is read goes to `seen`."""
    assert running.stderr is not None
    while acknowledged("".join(seen)) < wanted:
        line = running.stderr.readline()
        assert line, "".join(seen)
        seen.append(line)


def rest(running: subprocess.Popen[str], seen: list[str]) -> str:
    """All that was said, once it is over."""
    assert running.stderr is not None
    return "".join(seen) + running.stderr.read()


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_whenever_it_is_killed_what_was_acknowledged_is_there(jaxrig: Jaxrig, moment: int) -> None:
    """At a random measurement of the run, and a random moment after it."""
    dice = random.Random(moment)  # noqa: S311 - no secret
    seen: list[str] = []
    with start(jaxrig, "--launches", "2") as running:
        read_until(running, dice.randrange(70), seen)
        time.sleep(dice.uniform(0.0, 0.03))
        running.send_signal(signal.SIGKILL)
        told = acknowledged(rest(running, seen))
    url = f"sqlite:///{jaxrig.folder}/results.db"
    assert sound(url)
    with Reader(url, is_abandoned) as reader:
        (run,) = reader.runs()
        kept = reader.measurements(run.run)
    assert (run.status, len(kept)) == ("interrupted", run.measurements)
    assert told <= len(kept) <= told + 1  # the last one may have been kept, and not told any more
    assert not kept.duplicated(["launch", "case"]).any()
    with Store(url) as store:
        close_abandoned(store)  # as every run does first
    with Reader(url) as reader:
        assert reader.run(run.run).status == "interrupted"
        assert all(each.status != "running" for each in reader.launches(run.run))


@pytest.fixture
def server(postgresql: Server) -> Iterator[tuple[Server, str]]:
    with postgresql.database() as url:
        yield postgresql, url


def test_a_run_goes_on_where_the_server_was_restarted(
    jaxrig: Jaxrig, server: tuple[Server, str]
) -> None:
    postgres, url = server
    seen: list[str] = []
    with start(jaxrig, "--launches", "2", "--db", url) as running:
        for wanted in (10, 55):
            read_until(running, wanted, seen)
            postgres.restart()
        err = rest(running, seen)
    assert running.returncode == 0, err
    assert "waiting for it" in err
    assert acknowledged(err) == 80
    with Reader(url) as reader:
        run = reader.run("latest")
        cases = reader.measurements(run.run)["case"].value_counts()
    assert (run.status, run.measurements) == ("done", 80)
    assert cases.to_list() == [2] * 40
    assert sound(url)


WRITER = """
import sys
from harness.store.writer import Store
from tests.harness.history import begin_run
from tests.harness.samples import A, parsed_measurement

with Store(sys.argv[1]) as store:
    for number in range(int(sys.argv[2])):
        run, name = begin_run(store, tags={"number": str(number)})
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.add_measurement(launch, parsed_measurement(A, [1.0 + number]))
        store.end_launch(launch, status="done", exit_code=0, noise=None, log="")
        store.end_run(run, "done")
        print(name)
"""


def test_eight_writers_at_once_lose_and_double_nothing(either_url: str) -> None:
    """The database is made by whoever comes first."""
    command = [sys.executable, "-c", WRITER, either_url, str(RUNS_EACH)]
    writers = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(WRITERS)
    ]
    told: list[str] = []
    for writer in writers:
        out, err = writer.communicate(timeout=900)
        assert (writer.returncode, err) == (0, "")
        told += out.split()
    assert len(set(told)) == WRITERS * RUNS_EACH
    engine = create_engine(either_url)
    with engine.connect() as connection:
        query = (
            "SELECT runs.name, count(measurements.id) FROM runs JOIN launches ON run_id = runs.id"
        )
        query += " LEFT JOIN measurements ON launch_id = launches.id GROUP BY runs.name"
        kept = dict(tuple(row) for row in connection.execute(text(query)))
        shared = [
            connection.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - literals
            for table in ("machines", "images", "cases", "programs", "selections")
        ]
    engine.dispose()
    assert kept == dict.fromkeys(told, 1)
    assert shared == [1] * 5
    assert sound(either_url)
