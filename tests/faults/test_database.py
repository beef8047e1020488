"""kill -9, a full disk, a database that takes no more, a server that restarts, many writers:
nothing acknowledged is lost, or doubled."""

import fcntl
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.need import need
from tests.postgresql import Server
from tests.tmpfs import Tmpfs

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


@dataclass(kw_only=True)
class Watched:
    """A run that goes on, and what it has said so far."""

    process: subprocess.Popen[str]
    seen: list[str] = field(default_factory=list)

    def read_line(self) -> None:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, "".join(self.seen)
        self.seen.append(line)

    def read_until(self, wanted: int) -> None:
        """Until so many measurements are acknowledged."""
        while acknowledged("".join(self.seen)) < wanted:
            self.read_line()

    def rest(self) -> str:
        """All that was said, once it is over."""
        assert self.process.stderr is not None
        return "".join(self.seen) + self.process.stderr.read()


@contextmanager
def measuring(jaxrig: Jaxrig, wanted: int, *words: str) -> Iterator[Watched]:
    """A run of which so many measurements are acknowledged."""
    command = ("run", "--isolation", "process", "--workloads", "suite", *words)
    with jaxrig.start(*command) as process:
        running = Watched(process=process)
        running.read_until(wanted)
        yield running


def acknowledged(err: str) -> int:
    """How many measurements were told to be kept."""
    return len(MEASURED.findall(err))


def sound(url: str) -> bool:
    return all(each.ok for each in check(url))


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_whenever_it_is_killed_what_was_acknowledged_is_there(jaxrig: Jaxrig, moment: int) -> None:
    """At a random measurement of the run, and a random moment after it."""
    dice = random.Random(moment)  # noqa: S311 - no secret
    with measuring(jaxrig, dice.randrange(70), "--launches", "2") as running:
        time.sleep(dice.uniform(0.0, 0.03))
        running.process.send_signal(signal.SIGKILL)
        told = acknowledged(running.rest())
    url = f"sqlite:///{jaxrig.folder}/results.db"
    assert_kept(url, told)


def assert_kept(url: str, told: int) -> None:
    """All that was acknowledged, of a run that could not tell its end; and it can be closed."""
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


def fill(file: Path) -> None:
    """Until there is no room for a byte."""
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 4096)
        except OSError as error:
            assert "No space left" in str(error)  # noqa: PT017 - the one that is waited for


def test_a_run_on_a_full_disk_ends_and_keeps_what_it_told(jaxrig: Jaxrig, tmpfs: Tmpfs) -> None:
    with measuring(jaxrig, 10, "--launches", "9", "--db", tmpfs.url) as running:
        fill(tmpfs.folder / "filler")
        err = running.rest()
    assert running.process.returncode == 6, err
    assert "the disk is full; make room. What was committed before is kept" in err
    assert "Traceback" not in err
    (tmpfs.folder / "filler").unlink()
    assert_kept(tmpfs.url, acknowledged(err))


_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10  # linux/fs.h


def set_immutable(file: Path, immutable: bool) -> None:
    """Also for who has it open. (A file system is not remounted read-only while somebody writes.)
    Raises OSError: not root, or a file system that knows nothing of it."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        flags = bytearray(struct.calcsize("l"))
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
        (before,) = struct.unpack("l", flags)
        after = before | _IMMUTABLE if immutable else before & ~_IMMUTABLE
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", after))
    finally:
        os.close(descriptor)


def test_a_run_whose_file_takes_no_more_ends_and_keeps_what_it_told(jaxrig: Jaxrig) -> None:
    files = [jaxrig.folder / name for name in ("results.db", "results.db-wal")]
    with measuring(jaxrig, 10, "--launches", "9") as running:
        try:
            for file in files:
                set_immutable(file, True)
        except OSError as error:
            running.process.kill()
            need(False, f"a file system whose files can be made immutable (ext4, root): {error}")
        try:
            err = running.rest()
        finally:
            for file in files:
                set_immutable(file, False)
    assert running.process.returncode == 6, err
    assert "the disk failed, is full or takes no writes; what was committed before is kept" in err
    assert "Traceback" not in err
    assert_kept(f"sqlite:///{files[0]}", acknowledged(err))


@pytest.fixture
def server(postgresql: Server) -> Iterator[tuple[Server, str]]:
    with postgresql.database() as url:
        yield postgresql, url


def test_a_run_goes_on_where_the_server_was_restarted(
    jaxrig: Jaxrig, server: tuple[Server, str]
) -> None:
    postgres, url = server
    with measuring(jaxrig, 10, "--launches", "2", "--db", url) as running:
        for wanted in (10, 55):
            running.read_until(wanted)
            postgres.restart()
        err = running.rest()
    assert running.process.returncode == 0, err
    assert "waiting for it" in err
    assert acknowledged(err) == 80
    with Reader(url) as reader:
        run = reader.run("latest")
        cases = reader.measurements(run.run)["case"].value_counts()
    assert (run.status, run.measurements) == ("done", 80)
    assert cases.to_list() == [2] * 40
    assert sound(url)


def test_a_run_on_a_server_that_turns_read_only_ends_and_keeps_what_it_told(
    jaxrig: Jaxrig, server: tuple[Server, str]
) -> None:
    postgres, url = server
    with measuring(jaxrig, 10, "--launches", "9", "--db", url) as running:
        try:
            postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            postgres.execute("SELECT pg_reload_conf()")
            err = running.rest()
        finally:
            postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
            postgres.restart()
    assert running.process.returncode == 6, err
    assert "it takes no writes: a standby, or set so" in err
    assert "Traceback" not in err
    assert_kept(url, acknowledged(err))


def test_who_does_not_wait_for_a_server_is_let_go_at_once(
    jaxrig: Jaxrig, server: tuple[Server, str]
) -> None:
    postgres, url = server
    with measuring(jaxrig, 10, "--launches", "9", "--db", url) as running:
        postgres.stop()
        try:
            while "waiting for it" not in running.seen[-1]:
                running.read_line()
            since = time.monotonic()
            running.process.send_signal(signal.SIGINT)
            err = running.rest()
            running.process.wait()
            took_s = time.monotonic() - since
        finally:
            postgres.start()
    assert running.process.returncode == 130, err
    assert "stopped by SIGINT; what was measured is kept, but not how it ended" in err
    assert took_s < 20
    assert_kept(url, acknowledged(err))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_does_not_wait_for_a_lock_is_let_go_at_once(
    jaxrig: Jaxrig, server: tuple[Server, str], number: signal.Signals
) -> None:
    postgres, url = server
    with (
        measuring(jaxrig, 10, "--launches", "9", "--db", url) as running,
        postgres.connect(url.partition("@/")[2].partition("?")[0]) as other,
        other.transaction(),
    ):
        other.execute("LOCK TABLE measurements IN EXCLUSIVE MODE")
        while other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is None:
            time.sleep(0.02)
        running.process.send_signal(number)
        err = running.rest()
    assert running.process.returncode == 130, err
    assert f"stopped by {number.name}; what was measured is kept\n" in err
    assert "Traceback" not in err
    with Reader(url) as reader:
        run = reader.run("latest")
        assert {each.status for each in reader.launches(run.run)} <= {"done", "interrupted"}
    assert (run.status, run.measurements) == ("interrupted", acknowledged(err))
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
