"""A row a case, machine, target and run: what it holds, and in which order it comes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from harness.errors import UsageError
from harness.store.database import open_for_reading
from harness.store.filters import Filters
from harness.store.kinds import of_series
from harness.store.metrics import METRICS, TIME, metrics_named
from harness.store.names import read_names
from harness.store.series import read_newest, read_series
from harness.store.writer import Store
from tests.benchmarks.years import Years, fill
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.samples import A, B, parsed_benchmark, parsed_measurement


@pytest.fixture
def connection(either_url: str) -> Iterator[Connection]:
    """Of a reader; what is stored meanwhile is read."""
    with Store(either_url):
        pass
    engine = open_for_reading(either_url)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def series(connection: Connection, *metrics: Any, **filters: Any) -> dict[str, list[Any]]:
    names = read_names(connection)
    return read_series(connection, Filters(**filters), names, metrics or (TIME,))


def test_a_run_s_median_is_over_its_launches(either_url: str, connection: Connection) -> None:
    with Store(either_url) as store:
        name = add_run(store, {A: [1.0, 4.0, 2.0], B: [8.0]}, git_commit="abc")
    found = series(connection)
    assert (found["case"], found["median_s"], found["launches"]) == ([A, B], [2.0, 8.0], [3, 1])
    assert found["run"] == [name, name]
    assert {
        key: values[0] for key, values in found.items() if key not in ("started_at", "run")
    } == {
        "case": A,
        "machine": MACHINE.fingerprint,
        "machine_name": "testbed",
        "target": "cpu",
        "launches": 3,
        "median_s": 2.0,
        "image": IMAGE[0],
        "jax": "0.9.0",
        "git_commit": "abc",
        "suite": "quick",
        "status": "done",
        "isolation": "container",
    }


def test_a_case_that_was_defined_anew_is_the_same_case(
    either_url: str, connection: Connection
) -> None:
    with Store(either_url) as store:
        runs = [add_run(store, {A: [1.0]}, measured={"parameters": {"m": size}}) for size in (1, 2)]
    found = series(connection)
    assert (found["case"], found["run"]) == ([A, A], runs)


def test_rows_come_by_case_machine_target_and_start(
    either_url: str, connection: Connection
) -> None:
    machines = sorted(
        (replace(MACHINE, cores=cores) for cores in (2, 3)), key=lambda each: each.fingerprint
    )
    with Store(either_url) as store:
        runs = [
            add_run(store, {B: [1.0], A: [1.0]}, machine=machine, target=target)
            for target in ("mine", "cpu")
            for machine in reversed(machines)
            for _ in range(2)
        ]
    found = series(connection)
    places = [(1, 1), (1, 1), (1, 0), (1, 0), (0, 1), (0, 1), (0, 0), (0, 0)]
    ordered = [runs[i] for i in sorted(range(8), key=lambda i: (places[i][1], places[i][0], i))]
    assert found["case"] == [A] * 8 + [B] * 8
    assert found["run"] == ordered * 2


def test_runs_of_another_database_come_by_their_start_too(
    either_url: str, connection: Connection
) -> None:
    with Store(either_url) as store:
        runs = [add_run(store, {A: [1.0]}) for _ in range(3)]
    engine = create_engine(either_url)
    with engine.begin() as writing:  # as `jaxrig merge` leaves them: the oldest was stored last
        earlier = text(
            "UPDATE runs SET started_at = '2020-01-01 00:00:00.000000' WHERE name = :name"
        )
        writing.execute(earlier, {"name": runs[2]})
    engine.dispose()
    assert series(connection)["run"] == [runs[2], runs[0], runs[1]]


def test_metrics_are_told_where_they_are_known(either_url: str, connection: Connection) -> None:
    counted = {"flops": 6.0, "bytes": 12.0, "work_unit": "token", "work_count": 3.0}
    with Store(either_url) as store:
        run, _ = begin_run(store)
        for index, stages in enumerate(((0.5, 0.25, 2.0), (0.0, 0.0, 4.0), (None, None, 9.0))):
            launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
            compiled = dict(zip(("trace_s", "lower_s", "compile_s"), stages, strict=True))
            peaks = {"device_peak_bytes": 70 if index else None, "peak_rss_bytes": 50}
            samples = [2.0 + index, 1.5, 9.0]
            record = parsed_measurement(A, samples, **compiled, **peaks, **counted)
            store.add_measurement(launch, record)
            store.add_measurement(launch, parsed_measurement(B, [2.0], flops=8.0))
            store.add_measurement(launch, parsed_benchmark("t.py::t", [2.0]))
    found = series(connection, *METRICS)
    of = {
        case: {name: values[row] for name, values in found.items()}
        for row, case in enumerate(found["case"])
    }
    told = {metric.column: of[A][metric.column] for metric in METRICS}
    assert told == {
        "median_s": 3.0,
        "min_s": 1.5,
        "compile_time_s": 3.375,  # of 2.75 and 4.0; the third's is unknown
        "peak_bytes": 70.0,
        "throughput_per_s": 1.0,
        "flops_per_s": 2.0,
        "bytes_per_s": 4.0,
    }
    assert (of[A]["work_unit"], of[B]["work_unit"]) == ("token", None)
    assert of[B]["throughput_per_s"] == 4.0  # FLOP, where nothing else is counted
    own = of["t.py::t"]
    assert [own[name] for name in ("compile_time_s", "flops_per_s", "throughput_per_s")] == [
        None
    ] * 3
    assert own["peak_bytes"] == float(1 << 28)


def test_zero_is_known_and_the_unknown_is_no_zero() -> None:
    of = {metric.name: metric.value for metric in METRICS}
    assert (of["compile_time"](0.0, 0.0, 2.0), of["compile_time"](None, 0.5, 2.0)) == (2.0, None)
    assert (of["memory"](0, 50), of["memory"](None, 50), of["memory"](None, None)) == (0, 50, None)
    assert (of["throughput"]("token", 0.0, 8.0), of["throughput"](None, None, 0.0)) == (0.0, 0.0)
    assert (of["flops_per_s"](0.0), of["bytes_per_s"](0.0)) == (0.0, 0.0)


def test_work_has_the_unit_of_the_launches_that_count_it(
    either_url: str, connection: Connection
) -> None:
    """What one launch does not tell is neither FLOP of it nor of the others."""
    launches: tuple[dict[str, Any], ...] = (
        {"work_unit": None, "work_count": None},
        {"work_unit": "token", "work_count": 3.0},
        {"work_unit": "token", "work_count": None},
    )
    with Store(either_url) as store:
        for told in (launches, launches[2:]):
            run, _ = begin_run(store)
            for index, work in enumerate(told):
                launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
                store.add_measurement(launch, parsed_measurement(A, [2.0], flops=100.0, **work))
    found = series(connection, *METRICS)
    assert (found["throughput_per_s"], found["work_unit"]) == ([1.5, 50.0], ["token", None])


def test_the_newest_come_first_and_no_more_than_it_takes(
    either_url: str, connection: Connection
) -> None:
    years = Years(machines=2, targets=2, cases=3, nights=12, samples=2)
    fill(either_url, years)
    names = read_names(connection)
    everything = series(connection)
    assert len(everything["case"]) == years.measurements
    for filters in (Filters(), Filters(cases=["*00[12]"], target="cpu")):
        wanted = series(connection, cases=filters.cases, target=filters.target)
        batches = list(read_newest(connection, filters, names, [TIME]))
        assert len(batches) > 1
        assert all(batch.keys() == everything.keys() for batch in batches)
        started_at = [text for batch in batches for text in batch["started_at"]]
        assert started_at == sorted(wanted["started_at"], reverse=True)
        runs = [run for batch in batches for run in batch["run"]]
        assert sorted(runs) == sorted(wanted["run"])
    first = next(read_newest(connection, Filters(), names, [TIME]))
    assert len(set(first["run"])) == 8


def test_of_nothing_there_are_all_columns(either_url: str, connection: Connection) -> None:
    names = read_names(connection)
    nothing = series(connection, *METRICS)
    assert set(map(len, nothing.values())) == {0}
    assert list(nothing) == list(of_series(METRICS))
    assert list(read_newest(connection, Filters(cases=["x"]), names, METRICS)) == []


def test_metrics_have_names() -> None:
    assert metrics_named(["time", "median_s", "memory"]) == (METRICS[0], METRICS[3])
    with pytest.raises(UsageError, match="unknown metric 'speed'; known are: time, min_s"):
        metrics_named(["speed"])
