"""What the reader finds, and under which names."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.store.database import open_for_reading
from harness.store.history import history_query
from harness.store.reader import CEILINGS, Reader
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.samples import A, B, gpu, one_more, parsed_benchmark, parsed_measurement
from workloads import catalog


def test_runs_come_newest_first_with_their_counts(store: Store, url: str) -> None:
    first = add_run(store, {A: [1.0, 2.0], B: [1.0]})
    second = add_run(store, {A: [1.0]}, status="failed", failures=[(B, "crashed", "boom")])
    with Reader(url) as reader:
        runs = reader.runs()
        assert [run.run for run in reader.runs(limit=1)] == [second]
    assert [run.run for run in runs] == [second, first]
    assert [(run.measurements, run.failures) for run in runs] == [(1, 1), (3, 0)]
    assert [run.status for run in runs] == ["failed", "done"]
    age = datetime.now(UTC) - runs[0].started_at
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_what_a_gpu_was_doing_is_told_beside_its_times(either_url: str) -> None:
    seen = gpu(1.9e9, 1.2e9, 1.9e9, marked=[1])
    with Store(either_url) as store:
        add_run(store, {A: [1.0]}, measured={"gpu": seen})
        add_run(store, {A: [1.0]})
    with Reader(either_url) as reader:
        assert [each["gpu"] for each in reader.records("latest~1")] == [seen]
        assert [each["gpu"] for each in reader.records("latest")] == [None]


def test_so_it_is_of_a_suite_of_one_s_own(store: Store, url: str) -> None:
    seen = gpu(1.9e9, looked_at=[1], others=[one_more(1.2e9, marked=[1], uuid="GPU-5678")])
    run, _ = begin_run(store)
    launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
    store.add_measurement(launch, parsed_benchmark("t.py::t", [1.0, 2.0], gpu=seen))
    with Reader(url) as reader:
        assert [each["gpu"] for each in reader.records("latest")] == [seen]


def test_runs_of_a_suite_are_found_alone(store: Store, url: str) -> None:
    names = [add_run(store, {A: [1.0]}, suite=suite) for suite in ("quick", CEILINGS, CEILINGS)]
    with Reader(url) as reader:
        assert [run.run for run in reader.runs(suite=CEILINGS)] == [names[2], names[1]]
        assert [run.run for run in reader.runs(1, suite="quick")] == names[:1]


def test_an_empty_database_has_no_runs(store: Store, url: str) -> None:
    with Reader(url) as reader:
        assert reader.runs() == []
        assert reader.machines() == []
        with pytest.raises(UsageError, match="no single run is named 'latest'"):
            reader.run("latest")


def test_every_way_to_name_a_run(store: Store, url: str) -> None:
    names = [add_run(store, {A: [1.0]}, tags={"night": str(day), "by": "me"}) for day in range(3)]
    with Reader(url) as reader:
        named = {
            reference: reader.run(reference).run
            for reference in (
                "latest",
                "latest~0",
                "latest~2",
                names[1],
                names[1][:-1],
                "night=1",
                "by=me",
            )
        }
    assert named == {
        "latest": names[2],
        "latest~0": names[2],
        "latest~2": names[0],
        names[1]: names[1],
        names[1][:-1]: names[1],
        "night=1": names[1],
        "by=me": names[2],  # the newest with that tag
    }


@pytest.mark.parametrize(
    "reference",
    [
        "latest~2",
        "latest~",
        "latest~-1",
        "latest~x",
        "latest~²",
        "latest~" + "9" * 30,
        "nobody",
        "2",  # begins more than one run
        "night=7",
        "day=1",
        "night",
        "=",
        "night=",
        'ni"ght=1',
        "",
        "%",
        "_" * 22,
        "\\",
        "' OR 1=1 --",
        "x'; DROP TABLE runs; --",
    ],
)
def test_what_names_no_single_run_is_a_usage_error(store: Store, url: str, reference: str) -> None:
    add_run(store, {A: [1.0]}, tags={"night": "1"})
    add_run(store, {A: [1.0]}, tags={"night": "2"})
    with Reader(url) as reader:
        with pytest.raises(UsageError, match="see `jaxrig runs`") as refused:
            reader.run(reference)
        assert len(reader.runs()) == 2
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("key", ['ni"ght', "$.x", "a.b", "0", "'", "é"])
def test_a_run_is_named_by_a_tag_whatever_its_key(either_url: str, key: str) -> None:
    with Store(either_url) as store:
        name = add_run(store, {A: [1.0]}, tags={key: "1", "other": "2"})
        add_run(store, {A: [1.0]}, tags={key: "2", "other": "1"})
    with Reader(either_url) as reader:
        assert reader.run(f"{key}=1").run == name
        assert reader.measurements(f"{key}=1")["case"].tolist() == [A]


@pytest.mark.parametrize("wildcard", ["%", "_", "2%", "*"])
def test_wildcards_are_no_beginning_of_a_name(store: Store, url: str, wildcard: str) -> None:
    add_run(store, {A: [1.0]})
    with Reader(url) as reader, pytest.raises(UsageError, match="no single run"):
        reader.run(wildcard)


def test_names_that_look_like_sql_are_data(store: Store, url: str) -> None:
    hostile = "'; DROP TABLE runs; --"
    name = add_run(
        store, {A: [1.0]}, tags={"k": hostile, hostile: "v"}, target=hostile, suite=hostile
    )
    with Reader(url) as reader:
        run = reader.run(f"k={hostile}")
        assert (run.run, run.target, run.suite) == (name, hostile, hostile)
        assert run.tags == {"k": hostile, hostile: "v"}


def test_failures_come_in_order_with_their_launch(store: Store, url: str) -> None:
    run, name = begin_run(store)
    store.add_failure(run, None, None, "environment", "before any launch")
    launch = store.begin_launch(run, index=4, part=0, limits={}, env={})
    store.add_failure(run, launch, A, "crashed", "boom")
    with Reader(url) as reader:
        found = [(x.case, x.kind, x.message, x.launch) for x in reader.failures(name)]
    assert found == [
        (None, "environment", "before any launch", None),
        (A, "crashed", "boom", 4),
    ]


def test_launches_come_in_order_of_index_and_part(store: Store, url: str) -> None:
    run, name = begin_run(store)
    for index, part in ((1, 0), (0, 1), (0, 0)):
        store.begin_launch(run, index=index, part=part, limits={"cpus": "0"}, env={})
    with Reader(url) as reader:
        launches = reader.launches(name)
    assert [(each.launch, each.part) for each in launches] == [(0, 0), (0, 1), (1, 0)]
    assert {each.status for each in launches} == {"running"}
    assert launches[0].environment is None


def test_measurements_are_a_frame_of_only_this_run(store: Store, url: str) -> None:
    add_run(store, {A: [9.0]})
    run, name = begin_run(store)
    launches = [
        store.begin_launch(run, index=index, part=part, limits={}, env={})
        for index, part in ((0, 0), (0, 1))
    ]
    store.add_measurement(launches[0], parsed_measurement(B, [0.5]))
    store.add_measurement(launches[1], parsed_measurement(A, [1.0, 4.0, 2.0], warnings=["hot"]))
    with Reader(url) as reader:
        frame = reader.measurements(name)
        slim = reader.measurements(name, samples=False)
    assert frame[["case", "launch", "part"]].to_numpy().tolist() == [[B, 0, 0], [A, 0, 1]]
    assert frame["median_s"].tolist() == [0.5, 2.0]
    assert frame["rounds"].tolist() == [1, 3]
    assert frame["samples_s"][1].tolist() == [1.0, 4.0, 2.0]
    assert frame["parameters"][0] == {"m": 256, "scale": 0.5, "name": "x"}
    assert frame["warnings"][1] == ["hot"]
    assert not {"id", "launch_id"} & set(frame.columns)
    assert set(frame.columns) - set(slim.columns) == {"samples_s"}


def test_of_one_s_own_what_nobody_counted_is_nothing(store: Store, url: str) -> None:
    run, name = begin_run(store)
    launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
    store.add_measurement(launch, parsed_benchmark("t.py::test_a[1-b]", [2.0, 1.0, 4.0]))
    store.add_measurement(launch, parsed_benchmark("t.py::test_b", group=None, extra_info={}))
    with Reader(url) as reader:
        first, second = reader.measurements(name).to_dict("records")
    assert (first["case"], first["workload"]) == ("t.py::test_a[1-b]", "t.py::test_a")
    assert (first["median_s"], first["rounds"], first["calls_per_round"]) == (2.0, 3, 3)
    assert first["parameters"] == {"n": 10, "style": None}
    assert first["benchmark_options"]["timer"] == "time.perf_counter"
    assert (first["benchmark_group"], second["extra_info"]) == ("tables", {})
    assert pd.isna(second["benchmark_group"])  # in a column of text, pandas has no None
    for unknown in ("phase", "dtype", "flops", "bytes", "link_bytes", "numerics_error"):
        assert first[unknown] is None


def test_a_run_without_measurements_is_an_empty_frame(store: Store, url: str) -> None:
    _, name = begin_run(store)
    with Reader(url) as reader:
        frame = reader.measurements(name)
    assert len(frame) == 0
    assert "median_s" in frame.columns


def test_machines_are_listed_with_their_runs(store: Store, url: str) -> None:
    add_run(store, {A: [1.0]})
    add_run(store, {A: [1.0]})
    with Reader(url) as reader:
        (machine,) = reader.machines()
    assert (machine.name, machine.machine, machine.runs) == ("testbed", MACHINE.fingerprint, 2)
    assert machine.facts["cpu_model"] == "Testing CPU"


def test_readers_see_what_a_writer_has_committed_while_it_is_open(url: str, tmp_path: Path) -> None:
    with Store(url) as store, Reader(url) as reader:
        assert reader.runs() == []
        name = add_run(store, {A: [1.0]})
        assert [run.run for run in reader.runs()] == [name]


def past(url: str, **changes: Any) -> pd.DataFrame:
    where = {"machine": MACHINE.fingerprint, "platform": "cpu", "isolation": "container"}
    with Reader(url) as reader:
        return reader.history(**(where | {"targets": {"cpu"}, "cases": {A}} | changes))


def test_history_is_of_one_place_and_of_runs_measured_alone(store: Store, url: str) -> None:
    names = [add_run(store, {A: [1.0, 2.0], B: [3.0]}), add_run(store, {A: [4.0]}, status="failed")]
    add_run(store, {A: [9.0]}, status="interrupted")
    elsewhere: list[dict[str, Any]] = [
        {"isolation": "process"},
        {"platform": "cuda"},
        {"target": "mine"},
        {"machine": replace(MACHINE, cores=9)},
    ]
    for change in elsewhere:
        add_run(store, {A: [9.0]}, **change)
    begun = [begin_run(store) for _ in range(2)]
    for run, _ in begun:
        launch = store.begin_launch(run, index=0, part=0, limits={}, env={})
        store.add_measurement(launch, parsed_measurement(A, [9.0]))
        store.end_run(run, "done")
    store.pair_runs(begun[0][0], begun[1][0], rounds=1, rule={})
    frame = past(url)
    assert frame[["run", "median_s"]].to_numpy().tolist() == [
        [names[0], 1.0],
        [names[0], 2.0],
        [names[1], 4.0],
    ]
    assert frame["started_at"].dt.tz is not None
    assert (frame["limits"][0], frame["image"][0], frame["source"][0]) == (
        '{"cpus": "0-1"}',
        1,
        None,
    )
    assert len(past(url, targets={"cpu", "mine"})) == 4
    assert len(past(url, cases={A, B})) == 4
    nothing = past(url, machine="unknown")
    assert list(nothing.columns) == list(frame.columns)
    assert len(nothing) == 0


def test_what_has_no_image_is_named_by_its_checkout(store: Store, url: str) -> None:
    add_run(store, {A: [1.0]}, image=None, git_commit="abc")
    add_run(store, {A: [1.0]}, image=None)
    assert past(url)["source"].tolist() == ["abc", "0.1.0"]


def test_history_is_read_over_indexes(store: Store, url: str) -> None:
    query = history_query(
        machine="m", platform="cpu", isolation="container", targets=["cpu"], cases=[A, B]
    )
    engine = open_for_reading(url)
    with engine.connect() as connection:
        literal = query.compile(engine, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {literal}").all()
    engine.dispose()
    steps = " ".join(row[3] for row in rows)
    assert "ix_runs_machine_target" in steps
    assert not {"SCAN runs", "SCAN launches", "SCAN measurements"} & set(
        re.findall(r"SCAN \w+", steps)
    )


def test_pairings_are_found_from_either_side_with_their_verdicts(store: Store, url: str) -> None:
    runs = [begin_run(store) for _ in range(3)]
    ended = store.pair_runs(runs[0][0], runs[1][0], rounds=21, rule={"error": 0.05})
    store.pair_runs(runs[2][0], runs[0][0], rounds=7, rule={})
    said = {"case": A, "metric": "time", "unit": "s", "verdict": "slower", "ratio": 1.1}
    numbers = {"low": 1.05, "high": 1.15, "pairs": 7, "base": 1.0, "effect": 0.1}
    store.add_verdicts(ended, [said | numbers | {"remarks": ["hot"]}])
    with Reader(url) as reader:
        first, second = reader.pairings(runs[0][1])
        assert reader.pairings(runs[1][1]) == [first]
        assert reader.pairings(runs[2][1]) == [second]
    assert (first.base, first.candidate, first.rounds) == (runs[0][1], runs[1][1], 21)
    assert first.rule == {"error": 0.05}
    (verdict,) = first.verdicts
    assert (verdict.case, verdict.ratio, verdict.remarks) == (A, 1.1, ("hot",))
    assert first.slower == (verdict,)
    assert (second.base, second.candidate, second.verdicts) == (runs[2][1], runs[0][1], ())


def add_night(store: Store, anchor: int, ratios: list[float], *, ended: bool = True) -> int:
    """A night whose pairs are so far apart; its pairing."""
    runs = [begin_run(store)[0] for _ in range(2)]
    pairing = store.pair_runs(*runs, rounds=3, rule={}, anchor=anchor)
    for index, ratio in enumerate(ratios):
        for run, factor in zip(runs, (1.0, ratio), strict=True):
            launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
            store.add_measurement(launch, parsed_measurement(A, [factor, 2 * factor]))
            if factor == 1.0:  # a case that only the anchor has
                store.add_measurement(launch, parsed_measurement(B, [1.0]))
    for run in runs if ended else ():
        store.end_run(run, "done")
    return pairing


def test_anchors_are_those_of_a_machine_and_target_in_order(store: Store, url: str) -> None:
    other = replace(MACHINE, memory_gib=32)
    how: dict[str, Any] = {"machine": MACHINE, "target": "cpu", "image": IMAGE, "epoch": 1}
    first = store.pin_anchor(**how, why="the first night")
    bridge = add_night(store, first, [1.0])
    second = store.pin_anchor(**(how | {"image": ("sha256:b", "t")}), why="--pin", bridge=bridge)
    store.pin_anchor(**(how | {"target": "mine"}), why="")
    store.pin_anchor(**(how | {"machine": other}), why="")
    with Reader(url) as reader:
        found = reader.anchors(MACHINE.fingerprint, "cpu")
        assert reader.anchors("unknown", "cpu") == []
    assert [(each.id, each.image, each.bridge) for each in found] == [
        (first, IMAGE[0], None),
        (second, "sha256:b", bridge),
    ]
    assert (found[0].epoch, found[0].why, found[0].target) == (1, "the first night", "cpu")


def test_turns_are_those_of_the_newest_nights_that_ended(store: Store, url: str) -> None:
    how: dict[str, Any] = {"machine": MACHINE, "image": IMAGE, "epoch": 1, "why": ""}
    anchor, other = (store.pin_anchor(**how, target=name) for name in ("cpu", "mine"))
    nights = [add_night(store, anchor, [ratio, 2 * ratio]) for ratio in (1.0, 3.0, 5.0)]
    add_night(store, other, [7.0])
    add_night(store, anchor, [9.0], ended=False)
    with Reader(url) as reader:
        found = reader.turns(anchor, 2)
        nothing = reader.turns(99, 2)
    assert list(nothing.columns) == list(found.columns)
    assert found[["pairing", "case", "launch"]].to_numpy().tolist() == [
        [night, A, launch] for night in nights[1:] for launch in (0, 1)
    ]
    ratios = [list(row["candidate_s"] / row["base_s"]) for _, row in found.iterrows()]
    assert ratios == [[3.0, 3.0], [6.0, 6.0], [5.0, 5.0], [10.0, 10.0]]


def test_ceilings_are_no_latest_run(store: Store, url: str) -> None:
    """They are measured before a suite, whose last run `latest~1` still is."""
    names = [add_run(store, {A: [1.0]}, suite=suite) for suite in ("standard", CEILINGS) * 2]
    with Reader(url) as reader:
        assert [reader.run(each).run for each in ("latest", "latest~1")] == [names[2], names[0]]
        assert reader.run(names[3]).suite == CEILINGS


def test_the_suite_of_ceilings_is_the_catalogue_s() -> None:
    assert catalog.CEILINGS == CEILINGS
