"""pyperf's files: each process a launch, calibrations named, bytes no times."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_core import from_json

from harness.errors import UsageError
from harness.exchange.formats import read
from tests.harness.exchange.conftest import FILES, Edited
from tests.harness.exchange.reading import only, why

_FILE = FILES / "pyperf.json"


def test_each_process_is_a_launch_with_all_benchmarks() -> None:
    run = only(_FILE)
    told = from_json(_FILE.read_bytes())["benchmarks"]
    assert len(run.launches) == 3
    for index, launch in enumerate(run.launches, start=1):  # the first process calibrates
        assert [each.case for each in launch.measurements] == ["sum", "sort"]
        for measurement, benchmark in zip(launch.measurements, told, strict=True):
            assert measurement.samples_s == tuple(benchmark["runs"][index]["values"])
    assert "benchmarks[].runs[]: calibration, without values" in run.unmapped
    assert "benchmarks[].runs[].warmups" in run.unmapped


def test_a_sample_is_the_mean_of_all_loops() -> None:
    first, second = only(_FILE).launches[0].measurements
    assert (first.calls_per_round, second.calls_per_round) == (4096, 2048)
    assert (first.rounds, first.peak_rss_bytes) == (4, 19718144)
    assert second.peak_rss_bytes == 19849216  # told once for all processes


def test_metadata_is_told_apart() -> None:
    run = only(_FILE)
    assert run.machine.name == "bench-1"
    assert run.machine.facts["cpu_model"] == "Example CPU"
    assert run.machine.facts["architecture"] == "x86_64"
    assert run.machine.facts["threads"] == 2
    environment = run.launches[0].environment
    assert environment["python"] == "3.11.7 (64-bit)"
    assert environment["packages"] == {"pyperf": "2.11.0"}
    assert "load_avg_1min" not in environment
    extra_info = run.launches[0].measurements[0].extra_info
    assert extra_info["timeit_stmt"] == "'sum(x)'"
    assert extra_info["load_avg_1min"] == 2.41
    assert "hostname" not in extra_info


def test_a_time_without_a_zone_is_said_to_be_taken_as_utc() -> None:
    run = only(_FILE)
    assert run.started_at == datetime(2026, 11, 26, 11, 15, 21, 251755, tzinfo=UTC)
    assert "metadata.date: the zone is not told; taken as UTC" in run.unmapped


def test_bytes_are_named_and_not_measured() -> None:
    run = only(FILES / "pyperf-memory.json")
    assert run.launches == ()
    assert "benchmarks.sum: in byte, not in seconds" in run.unmapped


def test_a_process_less_leaves_the_launch_without_that_case(edited: Edited) -> None:
    run = only(edited(_FILE, lambda told: told["benchmarks"][0]["runs"].pop()))
    assert [[each.case for each in launch.measurements] for launch in run.launches] == [
        ["sum", "sort"],
        ["sum", "sort"],
        ["sort"],
    ]


def test_an_environment_that_differs_in_a_launch_is_named(edited: Edited) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["metadata"]["cpu_affinity"] = "1"
        told["benchmarks"][0]["metadata"]["cpu_affinity"] = "0"

    run = only(edited(_FILE, edit))
    assert run.launches[0].environment["cpu_affinity"] == "0"
    assert any(told.startswith("metadata.cpu_affinity: differs") for told in run.unmapped)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", None])
def test_a_benchmark_of_an_odd_value_is_a_failure_and_keeps_no_other_one_out(
    edited: Edited, value: object
) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["runs"][2]["values"][3] = value

    run = only(edited(_FILE, edit))
    assert "benchmarks[1].runs[2].values[3]: " in why(run, "sort")
    assert [[each.case for each in launch.measurements] for launch in run.launches] == [["sum"]] * 3


def test_a_benchmark_without_a_name_is_a_failure_of_no_case(edited: Edited) -> None:
    path = edited(_FILE, lambda told: told["benchmarks"][0]["metadata"].pop("name"))
    assert "benchmarks[0].runs[1].metadata.name: Field required" in why(only(path), None)


def test_a_benchmark_that_is_there_twice_is_kept_once(edited: Edited) -> None:
    path = edited(_FILE, lambda told: told["benchmarks"].append(told["benchmarks"][0]))
    run = only(path)
    assert why(run, "sum") == "sum is in it twice"
    assert run.launches == only(_FILE).launches


def test_processes_of_two_benchmarks_that_call_themselves_alike_are_told(edited: Edited) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["runs"][2]["metadata"]["name"] = "sum"

    run = only(edited(_FILE, edit))
    assert why(run, "sum") == "sum is in it twice"
    assert [len(launch.measurements) for launch in run.launches] == [2, 1, 2]


def test_where_nothing_fits_the_file_is_refused(edited: Edited) -> None:
    def edit(told: Any) -> None:
        for benchmark in told["benchmarks"]:
            benchmark["runs"][1]["values"] = ["a"]

    with pytest.raises(UsageError, match=r"benchmarks\[0\]\.runs\[1\]\.values\[0\]: "):
        read(edited(_FILE, edit))


def test_another_version_is_refused(edited: Edited) -> None:
    with pytest.raises(UsageError, match=r"version: '2\.0'; of pyperf's 1\.0 is read"):
        read(edited(_FILE, lambda told: told.update(version="2.0")))
