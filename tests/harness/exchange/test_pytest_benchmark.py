"""pytest-benchmark's files, read as it wrote them and written as it reads them."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from harness.errors import UsageError
from harness.exchange.foreign import ForeignRun
from harness.exchange.formats import read
from harness.exchange.pytest_benchmark import Written, write
from tests.harness.exchange.conftest import Edited
from tests.harness.exchange.reading import measurements, only, why


def _written(run: ForeignRun) -> Written:
    return write(run, run.launches[0])


def test_a_file_with_samples_keeps_all_of_them_in_order(suite: Path) -> None:
    told = json.loads((suite / "out.json").read_text())
    found = measurements(only(suite / "out.json"))
    assert list(found) == [
        "test_small.py::test_sum[odd]",
        "test_small.py::test_sum[3]",
        "test_small.py::TestSort::test_sorted",
    ]
    for benchmark in told["benchmarks"]:
        measurement = found[benchmark["fullname"]]
        assert measurement.samples_s == tuple(benchmark["stats"]["data"])
        assert measurement.median_s == benchmark["stats"]["median"]
        assert measurement.rounds == benchmark["stats"]["rounds"]
        assert measurement.calls_per_round == benchmark["stats"]["iterations"]
        assert measurement.options == benchmark["options"]
        assert measurement.summary == {}
    assert found["test_small.py::TestSort::test_sorted"].group == "sorts"
    assert found["test_small.py::test_sum[3]"].workload == "test_small.py::test_sum"


def test_what_json_cannot_hold_is_text_with_a_warning(suite: Path) -> None:
    found = measurements(only(suite / "out.json"))
    odd = found["test_small.py::test_sum[odd]"]
    assert odd.parameters["n"].startswith("UNSERIALIZABLE[")
    assert odd.extra_info == {"limit": "nan"}
    assert len(odd.warnings) == 2
    assert found["test_small.py::test_sum[3]"].parameters == {"n": 3}
    assert found["test_small.py::TestSort::test_sorted"].warnings == ()


def test_a_saved_file_without_samples_is_a_summary(suite: Path) -> None:
    [path] = (suite / "summaries").rglob("*.json")
    told = json.loads(path.read_text())["benchmarks"][0]["stats"]
    run = only(path)
    measurement = measurements(run)["test_small.py::test_sum[odd]"]
    assert measurement.samples_s is None
    assert (measurement.median_s, measurement.rounds) == (told["median"], 7)
    names = ("min", "max", "mean", "stddev", "q1", "q3")
    assert measurement.summary == {f"{name}_s": told[name] for name in names}
    assert "benchmarks[].stats.hd15iqr" in run.unmapped


def test_a_saved_file_with_samples_names_no_statistics(suite: Path) -> None:
    [path] = (suite / "samples").rglob("*.json")
    run = only(path)
    assert all(each.samples_s for each in measurements(run).values())
    assert not [name for name in run.unmapped if "stats" in name]


def test_the_machine_and_the_environment_are_told_apart(suite: Path) -> None:
    told = json.loads((suite / "out.json").read_text())
    run = only(suite / "out.json")
    assert run.machine.name == told["machine_info"]["node"]
    assert run.machine.facts["cpu_model"] == told["machine_info"]["cpu"].get("brand_raw")
    assert run.machine.facts["architecture"] == told["machine_info"]["machine"]
    environment = run.launches[0].environment
    assert environment["python"] == told["machine_info"]["python_version"]
    assert environment["packages"] == {"pytest-benchmark": told["version"]}
    assert environment["release"] == told["machine_info"]["release"]
    assert "machine_info.cpu.flags" in run.unmapped
    assert run.started_at == datetime.fromisoformat(told["datetime"])


def test_without_a_repository_there_is_no_commit(suite: Path) -> None:
    run = only(suite / "out.json")
    assert (run.commit, run.dirty) == (None, None)
    assert "branch" not in run.launches[0].environment


def test_a_commit_is_kept(suite: Path, edited: Edited) -> None:
    commit = {"id": "c0ffee", "dirty": True, "branch": "main", "time": "2026-01-01T00:00:00"}
    path = edited(
        suite / "out.json", lambda told: told.update(commit_info=commit | {"project": "thing"})
    )
    run = only(path)
    assert (run.commit, run.dirty, run.suite) == ("c0ffee", True, "pytest-benchmark:thing")
    environment = run.launches[0].environment
    assert (environment["branch"], environment["project"]) == ("main", "thing")
    assert "commit_info.time" in run.unmapped
    told = json.loads(_written(run).text)["commit_info"]
    assert (told["id"], told["branch"], told["project"]) == ("c0ffee", "main", "thing")


def test_what_a_file_has_beyond_the_format_is_named(suite: Path, edited: Edited) -> None:
    def edit(told: Any) -> None:
        told["surprise"] = 1
        told["benchmarks"][1]["cprofile"] = [{"ncalls": 1}]

    assert {"surprise", "benchmarks[].cprofile"} <= set(
        only(edited(suite / "out.json", edit)).unmapped
    )


@pytest.mark.parametrize(
    "value", [0, 0.0, -1e-6, float("nan"), float("inf"), 1e10, "1", None, True]
)
def test_a_benchmark_of_an_odd_sample_is_a_failure_and_keeps_no_other_one_out(
    suite: Path, edited: Edited, value: object
) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["stats"]["data"][2] = value

    run = only(edited(suite / "out.json", edit))
    assert "benchmarks[1].stats.data[2]: " in why(run, "test_small.py::test_sum[3]")
    assert set(measurements(run)) == {
        "test_small.py::test_sum[odd]",
        "test_small.py::TestSort::test_sorted",
    }


def test_a_benchmark_without_a_name_is_a_failure_of_no_case(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"][0].pop("fullname"))
    assert why(only(path), None) == "benchmarks[0].fullname: Field required"


def test_a_benchmark_that_is_there_twice_is_kept_once(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"].append(told["benchmarks"][0]))
    run = only(path)
    assert why(run, "test_small.py::test_sum[odd]").endswith("test_sum[odd] is in it twice")
    assert len(measurements(run)) == 3


def test_where_nothing_fits_the_file_is_refused(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told.update(benchmarks=[{}]))
    with pytest.raises(UsageError, match=r"benchmarks\[0\]\.fullname: Field required"):
        read(path)


def test_rounds_that_are_not_there_are_a_failure(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"][0]["stats"]["data"].pop())
    assert why(only(path), "test_small.py::test_sum[odd]").endswith(
        "stats.rounds is 7 for 6 samples"
    )


def test_iterations_that_are_not_told_are_not_made_up(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"][0]["stats"].pop("iterations"))
    run = only(path)
    measurement = measurements(run)["test_small.py::test_sum[odd]"]
    assert measurement.calls_per_round is None
    assert "the file does not tell how many calls a sample is the mean of" in measurement.warnings
    assert _written(run).left_out == {
        measurement.case: "nobody knows of how many calls a sample is the mean"
    }


@pytest.mark.parametrize("cpu", ["Big CPU", ["a"], {}, {"count": 2, "flags": ["sse"]}, None])
def test_whatever_is_told_of_the_processor_goes_out_again(
    suite: Path, edited: Edited, tmp_path: Path, cpu: object
) -> None:
    run = only(edited(suite / "out.json", lambda told: told["machine_info"].update(cpu=cpu)))
    assert "flags" not in str(run.launches[0].environment)
    path = tmp_path / "written.json"
    path.write_bytes(_written(run).text)
    told = json.loads(path.read_text())["machine_info"]["cpu"]
    assert isinstance(cpu, dict | None) or told["told"] == cpu
    assert len(measurements(only(path))) == 3


def test_what_is_written_reads_as_the_same(suite: Path, tmp_path: Path) -> None:
    run = only(suite / "out.json")
    path = tmp_path / "written.json"
    path.write_bytes(_written(run).text)
    again = only(path)
    same = {"digest": run.digest, "unmapped": run.unmapped, "launches": run.launches}
    assert replace(again, **cast("Any", same)) == run
    assert again.launches[0].environment == run.launches[0].environment
    # A warning of NaN is gone: what is written is text.
    for after, before in zip(
        again.launches[0].measurements, run.launches[0].measurements, strict=True
    ):
        assert replace(after, warnings=()) == replace(before, warnings=())


def test_a_case_without_samples_is_left_out_and_named(suite: Path) -> None:
    [path] = (suite / "summaries").rglob("*.json")
    run = only(path)
    written = _written(run)
    assert json.loads(written.text)["benchmarks"] == []
    assert written.left_out == dict.fromkeys(measurements(run), "it has no samples")


def test_pytest_benchmark_compares_what_is_written_with_its_own(
    suite: Path, tmp_path: Path
) -> None:
    written = tmp_path / "0001_written.json"
    written.write_bytes(_written(only(suite / "out.json")).text)
    files = [str(written), str(suite / "out.json")]
    columns = "--columns=min,max,mean,stddev,median,iqr,outliers,ops,rounds,iterations"
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *files, columns],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line for line in done.stdout.splitlines() if line.startswith("test_")]
    ours = [line.split(") ", 1)[1].split() for line in rows if "0001_written)" in line]
    theirs = [line.split(") ", 1)[1].split() for line in rows if "out)" in line]
    assert len(rows) == 6
    assert ours == theirs


def test_a_run_of_no_known_time_is_dated_1970(suite: Path) -> None:
    run = replace(only(suite / "out.json"), started_at=None)
    launch = replace(run.launches[0], started_at=None)
    told = json.loads(write(run, launch).text)["datetime"]
    assert datetime.fromisoformat(told) == datetime(1970, 1, 1, tzinfo=UTC)
