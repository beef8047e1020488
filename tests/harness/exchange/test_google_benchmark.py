"""Google Benchmark's files: repetitions are samples, aggregates stand in where there are none."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.exchange.foreign import ForeignMeasurement, ForeignRun
from harness.exchange.formats import read
from tests.harness.exchange.conftest import FILES, Edited

_REPETITIONS = FILES / "google-repetitions.json"
_AGGREGATES = FILES / "google-aggregates.json"
_CASES = ["BM_Sum/1024", "BM_Sum/4096", "BM_Copy/65536/real_time/threads:2"]


def _only(path: Path) -> ForeignRun:
    [run] = read(path)
    return run


def _measurements(run: ForeignRun) -> dict[str, ForeignMeasurement]:
    [launch] = run.launches
    return {each.case: each for each in launch.measurements}


def test_repetitions_are_samples_in_seconds() -> None:
    found = _measurements(_only(_REPETITIONS))
    assert list(found) == _CASES
    measurement = found["BM_Sum/1024"]  # in microseconds there
    assert measurement.samples_s == pytest.approx(
        (
            1.3000738364619180e-06,
            8.2142842767103763e-07,
            7.8985018869085855e-07,
            7.8396062890647e-07,
        )
    )
    assert (measurement.rounds, measurement.calls_per_round) == (4, 7950)
    assert measurement.median_s == pytest.approx(8.0563930818094809e-07)
    assert found[_CASES[2]].median_s == pytest.approx(1.588305928406918e-06)  # nanoseconds


def test_names_are_taken_apart() -> None:
    found = _measurements(_only(_REPETITIONS))
    copy = found[_CASES[2]]
    assert (copy.workload, copy.parameters) == ("BM_Copy", {"arg1": 65536})
    assert copy.options == {"timing": "real_time", "threads": 2}


def test_counters_and_cpu_time_are_extra_info() -> None:
    extra_info = _measurements(_only(_REPETITIONS))["BM_Sum/1024"].extra_info
    assert extra_info["length"] == 1024.0  # alike in all repetitions
    assert extra_info["label"] == "plain"
    assert len(extra_info["items_per_second"]) == 4
    assert extra_info["cpu_time_s"][0] == pytest.approx(7.942148427672957e-07)
    assert "family_index" not in extra_info


def test_a_benchmark_that_failed_is_a_failure_told_once() -> None:
    assert _only(_REPETITIONS).failures == (("BM_Broken", "no such device"),)


def test_a_benchmark_that_was_skipped_is_a_skip(edited: Edited) -> None:
    def edit(told: Any) -> None:
        row = next(row for row in told["benchmarks"] if row["name"] == "BM_Broken")
        del row["error_occurred"], row["error_message"]
        row |= {"skipped": True, "skip_message": "no such device"}
        told["benchmarks"] = [row]

    run = _only(edited(_REPETITIONS, edit))
    assert (run.failures, run.skips) == ((), (("BM_Broken", "no such device"),))


def test_fits_are_named_and_aggregates_of_repetitions_not() -> None:
    unmapped = _only(_REPETITIONS).unmapped
    assert "benchmarks[].BigO: a fit over several benchmarks" in unmapped
    assert "context.load_avg" in unmapped
    assert not [name for name in unmapped if "_mean" in name or "_cv" in name]


def test_aggregates_alone_are_a_summary() -> None:
    found = _measurements(_only(_AGGREGATES))
    assert list(found) == _CASES
    measurement = found["BM_Sum/1024"]
    assert (measurement.samples_s, measurement.rounds) == (None, 4)
    assert measurement.median_s == pytest.approx(9.5802695610021449e-07)
    assert measurement.summary == pytest.approx(
        {"mean_s": 1.0079980617861706e-06, "stddev_s": 2.3046483404421896e-07}
    )


def test_a_mean_stands_in_for_a_median_with_a_warning(edited: Edited) -> None:
    def edit(told: Any) -> None:
        rows = told["benchmarks"]
        told["benchmarks"] = [row for row in rows if row.get("aggregate_name") != "median"]

    measurement = _measurements(_only(edited(_AGGREGATES, edit)))["BM_Sum/1024"]
    assert measurement.median_s == pytest.approx(1.0079980617861706e-06)
    assert "the file has no median; the mean stands for it" in measurement.warnings


def test_aggregates_without_a_middle_are_named(edited: Edited) -> None:
    def edit(told: Any) -> None:
        rows = told["benchmarks"]
        told["benchmarks"] = [row for row in rows if row.get("aggregate_name") == "cv"]

    run = _only(edited(_AGGREGATES, edit))
    assert _measurements(run) == {}
    assert "benchmarks.BM_Sum/1024: aggregates without a median or mean" in run.unmapped


def test_a_debug_build_is_a_warning(edited: Edited) -> None:
    debug = _measurements(_only(_REPETITIONS))["BM_Sum/1024"]
    assert debug.warnings == ("Google Benchmark's library was built for debugging",)
    path = edited(_REPETITIONS, lambda told: told["context"].update(library_build_type="release"))
    assert _measurements(_only(path))["BM_Sum/1024"].warnings == ()


def test_the_context_is_kept() -> None:
    run = _only(FILES / "google-once.json")
    assert run.started_at == datetime(2026, 11, 26, 11, 15, 47, tzinfo=UTC)
    assert (run.machine.name, run.suite) == ("bench-1", "google-benchmark:sums")
    assert run.machine.facts["threads"] == 2
    assert run.machine.facts["caches"][0] == "L1 Data 48K"
    assert run.launches[0].environment["mhz_per_cpu"] == 2100


def test_a_date_of_old_versions_is_read(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["context"].update(date="2016/11/20-21:33:00"))
    run = _only(path)
    assert run.started_at == datetime(2016, 11, 20, 21, 33, tzinfo=UTC)
    assert "context.date: the zone is not told; taken as UTC" in run.unmapped


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", None, 1e30])
def test_a_time_that_is_none_is_refused_with_its_place(edited: Edited, value: object) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["real_time"] = value

    with pytest.raises(UsageError, match=r"real_time: "):
        read(edited(_REPETITIONS, edit))


def test_a_repetition_that_is_there_twice_is_refused(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["benchmarks"].append(told["benchmarks"][0]))
    with pytest.raises(UsageError, match="BM_Sum/1024 is in it twice"):
        read(path)
