"""asv's results: columns taken apart, times told from what is none, failures from skips."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from harness.errors import UsageError
from harness.exchange.formats import read
from tests.harness.exchange.conftest import FILES
from tests.harness.exchange.reading import measurements, only, why

_NAME = "8642e53d-virtualenv-py3.11.json"
_SORTED = "suite.Sorting.time_sorted"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of a folder of results, with its definitions."""
    return Path(shutil.copytree(FILES / "asv" / "results", tmp_path / "results"))


def _edited(results: Path, edit: Any) -> Path:
    path = results / "bench-1" / _NAME
    content = from_json(path.read_bytes())
    edit(content)
    path.write_bytes(to_json(content, inf_nan_mode="constants"))
    return path


def test_every_combination_of_parameters_is_a_case(results: Path) -> None:
    found = measurements(only(results))
    assert list(found) == [
        "suite.Partly.time_partly(1)",
        f"{_SORTED}(100, 'list')",
        f"{_SORTED}(100, 'tuple')",
        f"{_SORTED}(1000, 'list')",
        "suite.time_sum",
        "suite.timeraw_import",
    ]
    measurement = found[f"{_SORTED}(1000, 'list')"]
    assert measurement.workload == _SORTED
    assert measurement.parameters == {"n": "1000", "kind": "'list'"}
    assert measurement.samples_s is not None
    assert measurement.samples_s[:2] == (7.777749976867198e-06, 7.89049997820257e-06)
    assert (measurement.rounds, measurement.calls_per_round) == (8, 20)
    assert measurement.median_s == pytest.approx(1.0051049991943728e-05)


def test_null_is_a_failure_and_nan_a_skip(results: Path) -> None:
    run = only(results)
    assert [case for case, _ in run.failures] == [
        "suite.Partly.time_partly(2)",
        "suite.time_broken",
    ]
    assert [case for case, _ in run.skips] == [f"{_SORTED}(1000, 'tuple')"]


def test_what_is_no_time_is_named(results: Path) -> None:
    run = only(results)
    for name in ("suite.mem_list", "suite.Sorting.peakmem_sorted", "suite.track_answer"):
        assert any(told.startswith(f"results.{name}: ") for told in run.unmapped)
    assert "date: of the commit" in run.unmapped


def test_a_unit_other_than_seconds_is_no_time(results: Path) -> None:
    definitions = results / "benchmarks.json"
    content = from_json(definitions.read_bytes())
    content["suite.time_sum"]["unit"] = "parsecs"
    definitions.write_bytes(to_json(content))
    run = only(results)
    assert "suite.time_sum" not in measurements(run)
    assert any("suite.time_sum: a time in parsecs" in told for told in run.unmapped)


def test_without_definitions_the_name_tells_a_time_and_parameters_have_numbers() -> None:
    found = measurements(only(FILES / "asv-summaries"))
    assert found[f"{_SORTED}(100, 'list')"].parameters == {"param1": "100", "param2": "'list'"}


def test_without_samples_there_is_a_summary() -> None:
    measurement = measurements(only(FILES / "asv-summaries"))["suite.time_sum"]
    assert measurement.samples_s is None
    assert (measurement.rounds, measurement.calls_per_round) == (10, 50)
    assert measurement.median_s == 1.4659739999842713e-05
    assert measurement.summary == {
        "ci_99_low_s": 1.4119e-05,
        "ci_99_high_s": 9.9801e-05,
        "q1_s": 1.4566e-05,
        "q3_s": 2.0029e-05,
    }


def test_the_machine_the_commit_and_the_environment_are_kept(results: Path) -> None:
    run = only(results)
    assert (run.machine.name, run.commit) == ("bench-1", "8642e53dd374362a6a35e1a198cb9297c88d643f")
    assert run.machine.facts == {
        "cpu_model": "Example CPU",
        "architecture": "x86_64",
        "cores": None,
        "threads": 2,
        "memory_gib": 8,
        "caches": None,
    }
    assert run.launches[0].environment == {
        "python": "3.11",
        "packages": {"numpy": ""},
        "variables": {"OMP_NUM_THREADS": "1"},
        "env_name": "virtualenv-py3.11",
        "os": "Linux 6.1",
    }
    assert run.started_at is not None
    assert run.started_at.isoformat() == "2026-11-26T11:15:17.577000+00:00"


def test_an_odd_benchmark_is_a_failure_and_keeps_no_other_one_out(results: Path) -> None:
    every = set(measurements(only(results)))
    path = _edited(results, lambda told: told["results"]["suite.time_sum"][0].append(1.0))
    run = only(path)
    assert set(measurements(run)) == every - {"suite.time_sum"}
    assert why(run, "suite.time_sum") == (
        "results.suite.time_sum.result: 2 values for 1 combinations"
    )


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), 1e10])
def test_of_combinations_only_the_odd_one_fails(results: Path, value: float) -> None:
    path = _edited(results, lambda told: told["results"][_SORTED][0].__setitem__(1, value))
    run = only(path)
    assert why(run, f"{_SORTED}(100, 'tuple')").endswith(
        f"result[1]: {value} is no time in seconds"
    )
    assert f"{_SORTED}(100, 'list')" in measurements(run)


def test_a_result_that_is_text_is_a_failure_with_its_place(results: Path) -> None:
    path = _edited(results, lambda told: told["results"]["suite.time_sum"].__setitem__(0, ["a"]))
    assert "results.suite.time_sum.result[0]: Input should be" in why(only(path), "suite.time_sum")


def test_what_is_no_row_is_a_failure(results: Path) -> None:
    run = only(_edited(results, lambda told: told["results"].update({"suite.time_sum": 3})))
    assert why(run, "suite.time_sum") == "results.suite.time_sum: Input should be a valid list"


def test_where_nothing_fits_the_file_is_refused(results: Path) -> None:
    def edit(told: Any) -> None:
        told["results"] = {"suite.time_sum": [[0.0], []]}

    with pytest.raises(UsageError, match=r"result\[0\]: 0.0 is no time in seconds"):
        read(_edited(results, edit))


@pytest.mark.parametrize("result", [None, [1.0]])
def test_countless_combinations_are_a_failure_before_they_are_made(
    results: Path, result: Any
) -> None:
    def edit(told: Any) -> None:
        told["results"]["suite.time_sum"][:2] = [result, [[str(n) for n in range(100)]] * 20]

    assert f"{100**20}" in why(only(_edited(results, edit)), "suite.time_sum")


def test_where_every_combination_failed_each_is_a_failure(results: Path) -> None:
    path = _edited(results, lambda told: told["results"][_SORTED].__setitem__(0, None))
    failed = {case for case, _ in only(path).failures}
    assert {f"{_SORTED}({n}, '{kind}')" for n in (100, 1000) for kind in ("list", "tuple")} < failed


def test_where_no_start_is_told_the_commit_s_date_stands_for_it(results: Path) -> None:
    def edit(told: Any) -> None:
        place = told["result_columns"].index("started_at")
        for row in told["results"].values():
            row[place : place + 1] = [None] * (len(row) > place)
        told["date"] = 1_700_000_000_000

    run = only(_edited(results, edit))
    assert run.started_at == datetime.fromtimestamp(1_700_000_000, tz=UTC)
    assert "when it was measured: not told; the commit's date stands for it" in run.unmapped


def test_what_had_to_be_changed_of_the_environment_is_named(results: Path) -> None:
    path = _edited(results, lambda told: told["env_vars"].update(LONG="x" * 100_000))
    assert "environment: a text was cut at 65536 characters" in only(path).unmapped


def test_another_version_is_refused(results: Path) -> None:
    path = _edited(results, lambda told: told.update(version=1))
    with pytest.raises(UsageError, match=r"version: 1; of asv's results 2 is read"):
        read(path)


def test_parameters_are_text_and_never_run(results: Path) -> None:
    def edit(told: Any) -> None:
        told["results"]["suite.time_sum"][1] = [["__import__('os').abort()"]]

    found = measurements(only(_edited(results, edit)))
    measurement = found["suite.time_sum(__import__('os').abort())"]
    assert measurement.parameters == {"param1": "__import__('os').abort()"}


def test_broken_definitions_are_refused_under_their_own_name(results: Path) -> None:
    (results / "benchmarks.json").write_text('{"suite.time_sum": {"param_names": 3}}')
    with pytest.raises(UsageError, match=r"benchmarks\.json: suite\.time_sum\.param_names"):
        read(results / "bench-1" / _NAME)
