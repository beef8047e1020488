"""Google Benchmark's files: repetitions are samples, aggregates stand in where there are none."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.exchange.formats import read
from tests.harness.exchange.conftest import FILES, Edited
from tests.harness.exchange.reading import measurements, only, why

_REPETITIONS = FILES / "google-repetitions.json"
_AGGREGATES = FILES / "google-aggregates.json"
_CASES = ["BM_Sum/1024", "BM_Sum/4096", "BM_Copy/65536/real_time/threads:2"]


def test_repetitions_are_samples_in_seconds() -> None:
    found = measurements(only(_REPETITIONS))
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
    found = measurements(only(_REPETITIONS))
    copy = found[_CASES[2]]
    assert (copy.workload, copy.parameters) == ("BM_Copy", {"arg1": 65536})
    assert copy.options == {"timing": "real_time", "threads": 2}


def test_counters_and_cpu_time_are_extra_info() -> None:
    extra_info = measurements(only(_REPETITIONS))["BM_Sum/1024"].extra_info
    assert extra_info["length"] == 1024.0  # alike in all repetitions
    assert extra_info["label"] == "plain"
    assert len(extra_info["items_per_second"]) == 4
    assert extra_info["cpu_time_s"][0] == pytest.approx(7.942148427672957e-07)
    assert "family_index" not in extra_info


def test_a_benchmark_that_failed_is_a_failure_told_once() -> None:
    assert only(_REPETITIONS).failures == (("BM_Broken", "no such device"),)


def test_a_benchmark_that_was_skipped_is_a_skip(edited: Edited) -> None:
    def edit(told: Any) -> None:
        row = next(row for row in told["benchmarks"] if row["name"] == "BM_Broken")
        del row["error_occurred"], row["error_message"]
        row |= {"skipped": True, "skip_message": "no such device"}
        told["benchmarks"] = [row]

    run = only(edited(_REPETITIONS, edit))
    assert (run.failures, run.skips) == ((), (("BM_Broken", "no such device"),))


def test_fits_are_named_and_aggregates_of_repetitions_not() -> None:
    unmapped = only(_REPETITIONS).unmapped
    assert "benchmarks[].BigO: a fit over several benchmarks" in unmapped
    assert "context.load_avg" in unmapped
    assert not [name for name in unmapped if "_mean" in name or "_cv" in name]


def test_aggregates_alone_are_a_summary() -> None:
    found = measurements(only(_AGGREGATES))
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

    measurement = measurements(only(edited(_AGGREGATES, edit)))["BM_Sum/1024"]
    assert measurement.median_s == pytest.approx(1.0079980617861706e-06)
    assert "the file has no median; the mean stands for it" in measurement.warnings


def test_aggregates_without_a_middle_are_named(edited: Edited) -> None:
    def edit(told: Any) -> None:
        rows = told["benchmarks"]
        told["benchmarks"] = [row for row in rows if row.get("aggregate_name") == "cv"]

    run = only(edited(_AGGREGATES, edit))
    assert measurements(run) == {}
    assert "benchmarks.BM_Sum/1024: aggregates without a median or mean" in run.unmapped


def test_a_debug_build_is_a_warning(edited: Edited) -> None:
    debug = measurements(only(_REPETITIONS))["BM_Sum/1024"]
    assert debug.warnings == ("Google Benchmark's library was built for debugging",)
    path = edited(_REPETITIONS, lambda told: told["context"].update(library_build_type="release"))
    assert measurements(only(path))["BM_Sum/1024"].warnings == ()


def test_the_context_is_kept() -> None:
    run = only(FILES / "google-once.json")
    assert run.started_at == datetime(2026, 11, 26, 11, 15, 47, tzinfo=UTC)
    assert (run.machine.name, run.suite) == ("bench-1", "google-benchmark:sums")
    assert run.machine.facts["threads"] == 2
    assert run.machine.facts["caches"][0] == "L1 Data 48K"
    assert run.launches[0].environment["mhz_per_cpu"] == 2100
    assert run.launches[0].environment["executable"] == "sums"


def test_a_date_of_old_versions_is_read(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["context"].update(date="2016/11/20-21:33:00"))
    run = only(path)
    assert run.started_at == datetime(2016, 11, 20, 21, 33, tzinfo=UTC)
    assert "context.date: the zone is not told; taken as UTC" in run.unmapped


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", None, 1e30])
def test_a_benchmark_of_an_odd_time_is_a_failure_and_keeps_no_other_one_out(
    edited: Edited, value: object
) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["real_time"] = value

    run = only(edited(_REPETITIONS, edit))
    assert "real_time: " in why(run, "BM_Sum/1024")
    assert list(measurements(run)) == _CASES[1:]


def test_a_repetition_that_is_there_twice_makes_its_benchmark_a_failure(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["benchmarks"].append(told["benchmarks"][0]))
    run = only(path)
    assert why(run, "BM_Sum/1024").endswith("BM_Sum/1024 is in it twice")
    assert list(measurements(run)) == _CASES[1:]


def test_equal_names_are_told_apart_by_their_family(edited: Edited) -> None:
    def edit(told: Any) -> None:
        again = [row | {"family_index": 9} for row in told["benchmarks"][:4]]
        told["benchmarks"] += [row | {"real_time": 2.0} for row in again]

    found = measurements(only(edited(_REPETITIONS, edit)))
    assert (
        found["BM_Sum/1024"].samples_s == measurements(only(_REPETITIONS))["BM_Sum/1024"].samples_s
    )
    second = found["BM_Sum/1024#2"]
    assert second.samples_s == pytest.approx((2e-6,) * 4)
    assert "number 2 of this name in its file, by its place there" in second.warnings


def test_where_nothing_fits_the_file_is_refused(edited: Edited) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"] = [told["benchmarks"][0] | {"time_unit": "h"}]

    with pytest.raises(UsageError, match=r"benchmarks\[0\]\.time_unit: "):
        read(edited(_REPETITIONS, edit))


def test_what_was_asked_of_the_timing_is_no_parameter(edited: Edited) -> None:
    name = "BM_X/8/min_time:0.500/min_warmup_time:1.000/repeats:4/process_time/real_time/threads:2"

    def edit(told: Any) -> None:
        told["benchmarks"] = [row | {"run_name": name} for row in told["benchmarks"][:4]]

    case = measurements(only(edited(_REPETITIONS, edit)))[name]
    assert (case.workload, case.parameters) == ("BM_X", {"arg1": 8})
    assert case.options == {
        "min_time_s": 0.5,
        "min_warmup_time_s": 1.0,
        "repeats": 4,
        "timing": "process_time/real_time",
        "threads": 1,
    }


def test_a_counter_that_the_first_repetition_lacks_is_kept(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["benchmarks"][2].update(misses=7.0))
    assert measurements(only(path))["BM_Sum/1024"].extra_info["misses"] == [None, None, 7.0, None]


@pytest.mark.parametrize("path", [_REPETITIONS, _AGGREGATES], ids=lambda path: path.name)
def test_an_aggregate_of_one_s_own_is_named(edited: Edited, path: Path) -> None:
    def edit(told: Any) -> None:
        rows = [row for row in told["benchmarks"] if row.get("aggregate_name") == "mean"]
        told["benchmarks"].append(rows[0] | {"name": "BM_Sum/1024_p95", "aggregate_name": "p95"})

    run = only(edited(path, edit))
    assert "benchmarks[].p95: an aggregate of one's own" in run.unmapped
    assert set(measurements(run)) == set(_CASES)


def test_what_had_to_be_changed_of_the_context_is_named(edited: Edited) -> None:
    path = edited(_REPETITIONS, lambda told: told["context"].update(note="x" * 100_000))
    assert "context: a text was cut at 65536 characters" in only(path).unmapped
