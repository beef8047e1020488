"""Every call of the writer is committed before it returns, whatever happens next."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

import harness
from harness.errors import DatabaseFailure, UsageError
from harness.machine import Gpu
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.history import IMAGE, MACHINE, begin_run
from tests.harness.samples import (
    A,
    B,
    parsed_benchmark,
    parsed_environment,
    parsed_measurement,
    parsed_profile,
)
from tests.tmpfs import Tmpfs


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """Read past SQLAlchemy, by another connection."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def begin_launch(store: Store, index: int = 0, part: int = 0) -> int:
    run, _ = begin_run(store)
    return store.begin_launch(run, index=index, part=part, limits={}, env={})


def test_a_run_is_there_as_soon_as_it_begins(store: Store, url: str) -> None:
    _, name = begin_run(store, tags={"night": "7"}, git_commit="abc", git_dirty=True)
    with Reader(url) as reader:
        run = reader.run("latest")
    assert (run.run, run.status, run.ended_at) == (name, "running", None)
    assert (run.tags, run.git_commit, run.git_dirty) == ({"night": "7"}, "abc", True)
    assert (run.machine, run.image) == (MACHINE.fingerprint, IMAGE[0])


def test_the_end_of_a_run_and_of_a_launch_is_kept(store: Store, url: str) -> None:
    run, name = begin_run(store)
    launch = store.begin_launch(run, index=0, part=0, limits={"pids": 7}, env={})
    store.set_environment(launch, parsed_environment(boot_id="this-boot"))
    store.end_launch(launch, status="failed", exit_code=137, noise={"x": 1.5}, log="the end")
    store.end_run(run, "failed")
    with Reader(url) as reader:
        kept, stored = reader.launches(name)[0], reader.run(name)
    assert (kept.status, kept.exit_code, kept.noise, kept.log) == (
        "failed",
        137,
        {"x": 1.5},
        "the end",
    )
    assert kept.limits == {"pids": 7}
    assert kept.environment is not None
    assert kept.environment["jax"] == "0.9.0"
    assert "boot_id" not in kept.environment  # it would make every boot another environment
    assert kept.ended_at is not None
    assert kept.ended_at >= kept.started_at
    assert (stored.status, stored.ended_at is not None) == ("failed", True)


def test_samples_are_kept_in_order_and_bit_by_bit(store: Store, url: str) -> None:
    samples = [3.0, 5e-324, 0.1, 1 / 3, 2.2250738585072014e-308, 3.0]
    store.add_measurement(begin_launch(store), parsed_measurement(A, samples))
    with Reader(url) as reader:
        row = reader.measurements("latest").iloc[0]
    assert row["samples_s"].tolist() == samples
    assert (row["rounds"], row["median_s"]) == (6, (0.1 + 1 / 3) / 2)


def test_only_the_end_of_a_long_log_is_kept(store: Store, url: str) -> None:
    launch = begin_launch(store)
    store.end_launch(launch, status="done", exit_code=0, noise=None, log="a" * 100_000 + "end")
    with Reader(url) as reader:
        log = str(reader.launches("latest")[0].log)
    assert len(log) == 64 << 10
    assert log.endswith("aend")


def test_equal_machines_images_and_environments_share_a_row(store: Store, url: str) -> None:
    gpu = replace(MACHINE, gpus=(Gpu(model="G", memory_bytes=1),))
    for machine in (MACHINE, replace(MACHINE, name="renamed"), gpu):
        run, _ = begin_run(store, machine=machine)
        store.set_environment(
            store.begin_launch(run, index=0, part=0, limits={}, env={}), parsed_environment()
        )
        store.set_environment(
            store.begin_launch(run, index=1, part=0, limits={}, env={}),
            parsed_environment(jax="0.9.1"),
        )
    assert rows(url, "SELECT count(*) FROM machines") == [(2,)]
    assert rows(url, "SELECT count(*) FROM images") == [(1,)]
    assert rows(url, "SELECT count(*) FROM environments") == [(2,)]


def test_an_image_is_described_once_by_its_first_launch(store: Store, url: str) -> None:
    described = "SELECT dockerfile_sha256, requirements_sha256, packages FROM images"
    begin_run(store)
    assert rows(url, described) == [(None, None, None)]
    for docker, packages in (("d", {"jax": "0.9.0"}), ("e", {"jax": "0.9.1"})):
        made_of = {"dockerfile_sha256": docker, "requirements_sha256": "r"}
        run, _ = begin_run(store, made_of=made_of)
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.set_environment(launch, parsed_environment(packages=packages))
    assert rows(url, described) == [("d", "r", '{"jax": "0.9.0"}')]


def test_the_distribution_in_an_image_is_kept_whenever_it_is_first_told(
    store: Store, url: str
) -> None:
    kept = "SELECT json_extract(distribution, '$.packages') FROM images"
    for packages in (None, {"libc6:amd64": "1"}, {"libc6:amd64": "2"}):
        run, _ = begin_run(store)
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        debian = {"name": "debian", "release": None, "packages": packages}
        store.set_environment(
            launch, parsed_environment(distribution=packages and debian, no_gpu="why")
        )
        assert rows(url, kept) == [(packages and '{"libc6:amd64":"1"}',)]
    # It is the image's: else launches would differ by who asked it. Why there is no GPU likewise.
    ((facts,),) = rows(url, "SELECT facts FROM environments")
    assert {"distribution", "no_gpu"}.isdisjoint(json.loads(str(facts)))


def test_a_plain_process_describes_no_image(store: Store, url: str) -> None:
    begin_run(store)
    run, _ = begin_run(store, image=None, made_of={"dockerfile_sha256": "d"})
    launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
    store.set_environment(launch, parsed_environment())
    assert rows(url, "SELECT dockerfile_sha256, packages FROM images") == [(None, None)]


def test_a_plain_process_has_no_image(store: Store, url: str) -> None:
    begin_run(store, image=None)
    assert rows(url, "SELECT image_id FROM runs") == [(None,)]


def test_names_tell_runs_of_one_second_apart(store: Store) -> None:
    names = {begin_run(store)[1] for _ in range(20)}
    assert len(names) == 20


def test_a_name_that_another_run_has_is_not_given_again(
    either_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["one", "one", "one", "two"])
    monkeypatch.setattr("harness.store.writer.new_name", lambda _: next(names))
    with Store(either_url) as store:
        told = [begin_run(store) for _ in range(2)]
    with Reader(either_url) as reader:
        assert [run.run for run in reader.runs()] == ["two", "one"]
    assert [name for _, name in told] == ["one", "two"]
    assert told[0][0] != told[1][0]


BROKEN = "a\0b\udcff"
"""As a container, a folder's name or a command line may have it."""

WHOLE = "a\ufffdb\\udcff"


def test_what_no_database_holds_is_replaced_and_hides_nothing(either_url: str) -> None:
    deep = {BROKEN: [{"x": BROKEN}]}
    with Store(either_url) as store:
        tags = {BROKEN: BROKEN, "night": "7"}
        run, name = begin_run(store, tags=tags, suite=f"own:{BROKEN}", cases=[BROKEN])
        launch = store.begin_launch(run, index=0, part=0, limits=deep, env={BROKEN: BROKEN})
        store.set_facts(launch, {"jax": "0.9.0", "variables": deep})
        record = parsed_benchmark("t.py::test_a").model_copy(
            update={"group": BROKEN, "extra_info": deep}
        )
        store.add_measurement(launch, record)
        store.add_skip(launch, B, BROKEN)
        store.add_failure(run, launch, A, "raised", BROKEN)
        store.end_launch(launch, status="failed", exit_code=1, noise=deep, log=BROKEN)
        store.end_run(run, "failed")
    told = {WHOLE: [{"x": WHOLE}]}
    with Reader(either_url) as reader:
        found = reader.run("night=7")
        assert (found.run, found.tags) == (name, {WHOLE: WHOLE, "night": "7"})
        assert found.suite == f"own:{WHOLE}"
        assert reader.run(f"{BROKEN}={BROKEN}") == found
        row = reader.measurements(name).iloc[0]
        assert (row["benchmark_group"], row["extra_info"]) == (WHOLE, told)
        assert [each.reason for each in reader.skips(name)] == [WHOLE]
        assert [each.message for each in reader.failures(name)] == [WHOLE]
        (kept,) = reader.launches(name)
        assert (kept.limits, kept.env, kept.noise) == (told, {WHOLE: WHOLE}, told)
        with pytest.raises(UsageError, match="no single run"):
            reader.run(BROKEN)
    with harness.open(either_url) as results:  # which look into all documents of a kind
        for wanted in ({"jax": "0.9.0"}, {"tags": {"night": "7"}}, {"suite": f"own:{BROKEN}"}):
            assert results.history(**wanted)["run"].tolist() == [name]


@pytest.mark.parametrize(
    "problem", ["case twice", "part twice", "no such launch", "no such status"]
)
def test_what_contradicts_itself_is_refused(store: Store, problem: str) -> None:
    run, _ = begin_run(store)
    launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
    store.add_measurement(launch, parsed_measurement(A))
    contradictions: dict[str, Callable[[], object]] = {
        "case twice": lambda: store.add_measurement(launch, parsed_measurement(A)),
        "part twice": lambda: store.begin_launch(run, index=0, part=0, limits={}, env={}),
        "no such launch": lambda: store.add_measurement(launch + 1, parsed_measurement(B)),
        "no such status": lambda: store.end_run(run, "splendid"),
    }
    with pytest.raises(DatabaseFailure, match="constraint failed"):
        contradictions[problem]()


def test_an_abandoned_run_and_its_open_launch_are_closed(store: Store, url: str) -> None:
    run, _ = begin_run(store, owner="somebody")
    first, second = (
        store.begin_launch(run, index=0, part=0, limits={}, env={}),
        store.begin_launch(run, index=1, part=0, limits={}, env={}),
    )
    store.end_launch(first, status="done", exit_code=0, noise=None, log="")
    other, _ = begin_run(store, owner="another")
    assert [(each.id, each.owner) for each in store.open_runs()] == [
        (run, "somebody"),
        (other, "another"),
    ]
    store.close_abandoned(run)
    assert [each.id for each in store.open_runs()] == [other]
    assert rows(url, "SELECT status FROM runs ORDER BY id") == [("interrupted",), ("running",)]
    assert rows(url, "SELECT id, status FROM launches ORDER BY id") == [
        (first, "done"),
        (second, "interrupted"),
    ]


def test_a_run_that_has_ended_since_is_not_abandoned(store: Store, url: str) -> None:
    run, name = begin_run(store)
    (found,) = store.open_runs()
    store.end_run(run, "done")
    store.close_abandoned(found.id)
    with Reader(url) as reader:
        assert reader.run(name).status == "done"


WRITE_FOREVER = """
import sys
from itertools import count
from harness.store.writer import Store
from tests.harness.history import begin_run
from tests.harness.samples import parsed_measurement

store = Store(sys.argv[1])
run, _ = begin_run(store)
record = parsed_measurement(samples_s=[0.5] * 500)
for index in count():
    store.add_measurement(store.begin_launch(run, index=index, part=0, limits={}, env={}), record)
    print(index, flush=True)
"""


def test_after_kill_9_the_database_holds_all_that_was_acknowledged(url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOREVER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(40):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate()
    acknowledged = 40 + len(rest.splitlines())
    with Store(url) as store, Reader(url) as reader:
        frame = reader.measurements("latest")
        assert [each.id for each in store.open_runs()] == [1]
    # One more may have been committed and not yet acknowledged.
    assert len(frame) in (acknowledged, acknowledged + 1)
    assert all((samples == [0.5] * 500).all() for samples in frame["samples_s"])
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]


def test_on_a_full_disk_what_was_committed_is_kept(tmpfs: Tmpfs) -> None:
    record = parsed_measurement(samples_s=[0.5] * 5000)
    acknowledged: list[int] = []

    def fill(store: Store, run: int) -> None:
        for index in count():
            store.add_measurement(
                store.begin_launch(run, index=index, part=0, limits={}, env={}), record
            )
            acknowledged.append(index)

    with Store(tmpfs.url) as store:
        run, _ = begin_run(store)
        with pytest.raises(DatabaseFailure, match=r"full.* committed before is kept") as refused:
            fill(store, run)
    assert refused.value.exit_code == 6
    assert len(acknowledged) > 5
    tmpfs.grow("16m")
    with Store(tmpfs.url) as store, Reader(tmpfs.url) as reader:
        assert len(reader.measurements("latest")) == len(acknowledged)
        store.end_run(run, "failed")  # and it can be written again


def test_writers_take_turns(url: str) -> None:
    """A writer that finds the database busy waits instead of failing."""
    program = WRITE_FOREVER.replace("count()", "range(25)")
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [process.communicate()[1] for process in crowd] == ["", ""]
    assert rows(url, "SELECT count(*) FROM measurements") == [(50,)]


def test_a_profile_belongs_to_the_case_as_it_was_timed(store: Store, url: str) -> None:
    run, name = begin_run(store)
    launches = [store.begin_launch(run, index=x, part=0, limits={}, env={}) for x in (0, 1)]
    measured = parsed_measurement(A)
    store.add_measurement(launches[0], measured)
    store.add_profile(launches[1], parsed_profile(A, device_s=None), measured)
    assert rows(url, "SELECT DISTINCT case_id FROM measurements JOIN profiles USING (case_id)")
    with Reader(url) as reader:
        (kept,) = reader.profiles(name)
    assert (kept.case, kept.launch, kept.calls, kept.wall_s) == (A, 1, 4, 2.0)
    assert (kept.device_s, kept.other_operations_s) == (None, 0.0625)
    assert [each["name"] for each in kept.operations] == ["dot.1", "dot.2", "add"]
