"""Old samples go, what they were like stays, and so does what somebody wants to keep."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.errors import DatabaseFailure
from harness.store.check import check
from harness.store.database import SCHEMA_VERSION
from harness.store.prune import Pruned, prune, summary
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, SAME, add_pair, add_run, begin_run
from tests.harness.samples import A, B, parsed_measurement
from tests.harness.store.test_upgrades import make
from tests.tmpfs import Tmpfs

LATER = datetime.now(UTC) + timedelta(hours=1)
OTHER_IMAGE = ("sha256:" + "b" * 64, "jaxrig/cpu:5678")


def pruned(url: str, *, whole_runs: bool = False, dry_run: bool = False) -> Pruned:
    return prune(
        url, LATER, whole_runs=whole_runs, dry_run=dry_run, say=lambda line: pytest.fail(line)
    )


def test_samples_go_and_everything_else_stays(either_url: str) -> None:
    with Store(either_url) as store:
        name = add_run(store, {A: [1.0, 1.1], B: [2.0]})
    with Reader(either_url) as reader:
        before = reader.measurements(name)
    found = pruned(either_url)
    assert (found.runs, found.measurements, found.kept) == ((name,), 3, 0)
    assert found.sample_bytes > 0
    with Reader(either_url) as reader:
        after = reader.measurements(name)
    assert after["samples_s"].isna().all()
    assert [each["mean_s"] for each in after["summary"]] == [1.0, 2.0, 1.1]
    gone = ["samples_s", "summary"]
    pd.testing.assert_frame_equal(before.drop(columns=gone), after.drop(columns=gone))
    assert all(each.ok for each in check(either_url))
    assert pruned(either_url).runs == ()


def test_whole_runs_go_with_what_was_said_of_them(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_pair(store, [SAME])
        add_pair(store, [SAME], tags={"keep": "1"})
    found = pruned(either_url, whole_runs=True)
    assert (len(found.runs), found.kept) == (3, 2)
    with Reader(either_url) as reader:
        runs = reader.runs()
        assert [run.tags for run in runs] == [{"keep": "1"}] * 2
        assert len(reader.pairings(runs[0].run)) == 1
    assert all(each.ok for each in check(either_url))


@pytest.mark.parametrize("whole_runs", [True, False])
def test_what_is_tagged_pinned_running_or_young_stays(url: str, whole_runs: bool) -> None:
    with Store(url) as store:
        tagged = add_run(store, {A: [1.0]}, image=None, tags={"release": "1"})
        pinned = add_run(store, {A: [1.0]}, image=IMAGE)
        other = add_run(store, {A: [1.0]}, image=OTHER_IMAGE)
        going = add_run(store, {A: [1.0]}, image=None)
        running = add_run(store, {A: [1.0]}, image=None, status="running")
        store.pin_anchor(machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="w")
    young = prune(
        url,
        datetime.now(UTC) - timedelta(days=1),
        whole_runs=False,
        dry_run=True,
        say=lambda line: pytest.fail(line),
    )
    assert young.runs == ()
    found = pruned(url, whole_runs=whole_runs)
    assert (found.runs, found.kept) == ((other, going), 2)
    with Reader(url) as reader:
        left = [run.run for run in reader.runs() if has_samples(reader, run.run)]
    assert left == [running, pinned, tagged]


def has_samples(reader: Reader, run: str) -> bool:
    return bool(reader.measurements(run)["samples_s"].notna().all())


def test_runs_that_bridge_two_anchors_stay(url: str) -> None:
    with Store(url) as store:
        how: dict[str, Any] = {"machine": MACHINE, "target": "cpu", "epoch": 1, "why": "w"}
        runs = [begin_run(store, image=None) for _ in range(4)]
        for run, _ in runs:
            launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
            store.add_measurement(launch, parsed_measurement(A, [1.0]))
            store.end_run(run, "done")
        keys = [key for key, _ in runs]
        store.pair_runs(*keys[:2], rounds=3, rule={})
        bridge = store.pair_runs(*keys[2:], rounds=3, rule={})
        store.pin_anchor(**how, image=IMAGE)
        store.pin_anchor(**how, image=OTHER_IMAGE, bridge=bridge)
    found = pruned(url)
    assert (found.runs, found.kept) == (tuple(name for _, name in runs[:2]), 2)
    with Reader(url) as reader:
        kept = [has_samples(reader, name) for _, name in runs]
    assert kept == [False, False, True, True]


def test_a_dry_run_changes_nothing(url: str) -> None:
    with Store(url) as store:
        name = add_run(store, {A: [1.0]})
    assert pruned(url, dry_run=True).runs == (name,)
    with Reader(url) as reader:
        assert reader.measurements(name)["samples_s"].notna().all()


@pytest.mark.parametrize("whole_runs", [True, False])
def test_a_database_is_neither_made_nor_upgraded_by_a_dry_run(url: str, whole_runs: bool) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    for dry_run in (True, False):
        with pytest.raises(DatabaseFailure, match="no database at"):
            pruned(url, whole_runs=whole_runs, dry_run=dry_run)
    assert not file.exists()
    make(url, 6)
    with pytest.raises(DatabaseFailure, match="has the older schema 0006"):
        pruned(url, whole_runs=whole_runs, dry_run=True)
    heard: list[str] = []
    done = prune(url, LATER, whole_runs=whole_runs, dry_run=False, say=heard.append)
    assert len(done.runs) == 3
    assert heard[0] == f"upgrading {url} from schema 0006 to {SCHEMA_VERSION}"


def test_without_room_the_file_stays_as_large_until_the_next_time(tmpfs: Tmpfs) -> None:
    tmpfs.grow("16m")
    generator = np.random.default_rng(1)
    with Store(tmpfs.url) as store:
        for tags, rounds in (({}, 5_000), ({"keep": "1"}, 20_000)) * 8:
            run, _ = begin_run(store, tags=tags)
            launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
            samples = generator.uniform(1, 2, size=rounds).tolist()
            store.add_measurement(launch, parsed_measurement(A, samples))
            store.end_launch(launch, status="done", exit_code=0, noise=None, log="")
            store.end_run(run, "done")
    file = tmpfs.folder / "results.db"
    large, filler = file.stat().st_size, tmpfs.folder / "filler"
    # What goes fits into the log, as zeros; what stays does not, of which a new file is made.
    room = large // 2
    filler.write_bytes(b"\0" * (shutil.disk_usage(tmpfs.folder).free - room))
    with pytest.raises(DatabaseFailure, match=r"full.* was committed before is kept") as refused:
        pruned(tmpfs.url, whole_runs=True)
    assert refused.value.exit_code == 6
    assert file.stat().st_size >= large
    filler.unlink()
    again = pruned(tmpfs.url, whole_runs=True)
    assert (again.runs, again.kept) == ((), 8)  # all of it had been done
    assert file.stat().st_size < 0.9 * large
    assert all(each.ok for each in check(tmpfs.url))


def test_the_file_gets_smaller(url: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    rounds = np.random.default_rng(1).uniform(1, 2, size=(40, 1)).tolist()
    with Store(url) as store:
        for row in rounds:
            add_run(store, {A: row * 8, B: row * 8}, log="x")
    large = file.stat().st_size
    assert len(pruned(url, whole_runs=True).runs) == 40
    assert file.stat().st_size < large - 100_000  # of an empty one most is the schema


def test_a_summary_is_numpy_s() -> None:
    found = summary(np.array([4.0, 1.0, 2.0, 3.0]))
    assert found == {
        "min_s": 1.0,
        "q1_s": 1.75,
        "q3_s": 3.25,
        "max_s": 4.0,
        "mean_s": 2.5,
        "stddev_s": pytest.approx(np.std([1, 2, 3, 4], ddof=1)),
    }
    assert summary(np.array([1.0]))["stddev_s"] is None
