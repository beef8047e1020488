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
from harness.exchange.foreign import ForeignMeasurement, ForeignRun
from harness.exchange.formats import read
from harness.exchange.pytest_benchmark import Written, write
from tests.harness.exchange.conftest import Edited


def _only(path: Path) -> ForeignRun:
    [run] = read(path)
    return run


def _measurements(run: ForeignRun) -> dict[str, ForeignMeasurement]:
    [launch] = run.launches
    return {each.case: each for each in launch.measurements}


def _written(run: ForeignRun) -> Written:
    return write(run, run.launches[0])


def test_a_file_with_samples_keeps_all_of_them_in_order(suite: Path) -> None:
    told = json.loads((suite / "out.json").read_text())
    found = _measurements(_only(suite / "out.json"))
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
    found = _measurements(_only(suite / "out.json"))
    odd = found["test_small.py::test_sum[odd]"]
    assert odd.parameters["n"].startswith("UNSERIALIZABLE[")
    assert odd.extra_info == {"limit": "nan"}
    assert len(odd.warnings) == 2
    assert found["test_small.py::test_sum[3]"].parameters == {"n": 3}
    assert found["test_small.py::TestSort::test_sorted"].warnings == ()


def test_a_saved_file_without_samples_is_a_summary(suite: Path) -> None:
    [path] = (suite / "summaries").rglob("*.json")
    told = json.loads(path.read_text())["benchmarks"][0]["stats"]
    run = _only(path)
    measurement = _measurements(run)["test_small.py::test_sum[odd]"]
    assert measurement.samples_s is None
    assert (measurement.median_s, measurement.rounds) == (told["median"], 7)
    names = ("min", "max", "mean", "stddev", "q1", "q3")
    assert measurement.summary == {f"{name}_s": told[name] for name in names}
    assert "benchmarks[].stats.hd15iqr" in run.unmapped


def test_a_saved_file_with_samples_names_no_statistics(suite: Path) -> None:
    [path] = (suite / "samples").rglob("*.json")
    run = _only(path)
    assert all(each.samples_s for each in _measurements(run).values())
    assert not [name for name in run.unmapped if "stats" in name]


def test_the_machine_and_the_environment_are_told_apart(suite: Path) -> None:
    told = json.loads((suite / "out.json").read_text())
    run = _only(suite / "out.json")
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
    run = _only(suite / "out.json")
    assert (run.commit, run.dirty, run.branch) == (None, None, None)


def test_a_commit_is_kept(suite: Path, edited: Edited) -> None:
    commit = {"id": "c0ffee", "dirty": True, "branch": "main", "time": "2026-01-01T00:00:00"}
    path = edited(suite / "out.json", lambda told: told.update(commit_info=commit))
    run = _only(path)
    assert (run.commit, run.dirty, run.branch) == ("c0ffee", True, "main")
    assert "commit_info.time" in run.unmapped


def test_what_a_file_has_beyond_the_format_is_named(suite: Path, edited: Edited) -> None:
    def edit(told: Any) -> None:
        told["surprise"] = 1
        told["benchmarks"][1]["cprofile"] = [{"ncalls": 1}]

    assert {"surprise", "benchmarks[].cprofile"} <= set(
        _only(edited(suite / "out.json", edit)).unmapped
    )


@pytest.mark.parametrize(
    "value", [0, 0.0, -1e-6, float("nan"), float("inf"), 1e10, "1", None, True]
)
def test_a_sample_that_is_no_time_is_refused_with_its_place(
    suite: Path, edited: Edited, value: object
) -> None:
    def edit(told: Any) -> None:
        told["benchmarks"][1]["stats"]["data"][2] = value

    with pytest.raises(UsageError, match=r"out\.json: benchmarks\[1\]\.stats\.data\[2\]: "):
        read(edited(suite / "out.json", edit))


def test_a_benchmark_that_is_there_twice_is_refused(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"].append(told["benchmarks"][0]))
    with pytest.raises(UsageError, match=r"test_sum\[odd\] is in it twice"):
        read(path)


def test_rounds_that_are_not_there_are_refused(suite: Path, edited: Edited) -> None:
    path = edited(suite / "out.json", lambda told: told["benchmarks"][0]["stats"]["data"].pop())
    with pytest.raises(UsageError, match=r"stats\.rounds is 7 for 6 samples"):
        read(path)


def test_what_is_written_reads_as_the_same(suite: Path, tmp_path: Path) -> None:
    run = _only(suite / "out.json")
    path = tmp_path / "written.json"
    path.write_bytes(_written(run).text)
    again = _only(path)
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
    run = _only(path)
    written = _written(run)
    assert json.loads(written.text)["benchmarks"] == []
    assert written.left_out == tuple(_measurements(run))


def test_pytest_benchmark_compares_what_is_written_with_its_own(
    suite: Path, tmp_path: Path
) -> None:
    written = tmp_path / "0001_written.json"
    written.write_bytes(_written(_only(suite / "out.json")).text)
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
    run = replace(_only(suite / "out.json"), started_at=None)
    launch = replace(run.launches[0], started_at=None)
    told = json.loads(write(run, launch).text)["datetime"]
    assert datetime.fromisoformat(told) == datetime(1970, 1, 1, tzinfo=UTC)
