"""A suite of one's own, which knows nothing of jaxrig: as it stands, from its folder into the
database, in containers and as plain processes."""

import re
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest

from tests.checkout import ROOT
from tests.command import Jaxrig, Outcome

GUEST = Path(__file__).with_name("guest") / "bench"
TEXT = "test_text.py::"
STYLES = ("plain", "two words", "OrderedDict")
MEASURED = [
    "test_compiled.py::test_product",
    f"{TEXT}test_plain_call",
    *(f"{TEXT}test_table[{style}]" for style in STYLES),
    f"{TEXT}test_setup_and_rounds[10]",
    f"{TEXT}test_setup_and_rounds[100]",
    f"{TEXT}test_of_a_child_process",
    f"{TEXT}test_after_the_dying_one",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the suite lies, below settings that are no part of it."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(GUEST, folder / "bench")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (folder / "conftest.py").write_text("raise AssertionError('another suite s')\n")
    return folder


@pytest.fixture(scope="module")
def jaxrig(folder: Path) -> Jaxrig:
    return Jaxrig(folder=folder)


@pytest.fixture(scope="module")
def contained(jaxrig: Jaxrig, engine: docker.DockerClient) -> Outcome:
    return jaxrig("run", "--workloads", "bench", "--launches", "2", timeout_s=900)


@pytest.fixture(scope="module")
def run(jaxrig: Jaxrig, contained: Outcome) -> dict[str, Any]:
    assert contained.code == 4, contained.err  # some fail on purpose
    run: dict[str, Any] = jaxrig.json("show", "latest")
    return run


def of(run: dict[str, Any], case: str) -> dict[str, Any]:
    """The first measurement of a case."""
    found: dict[str, Any] = next(each for each in run["measurements"] if each["case"] == case)
    return found


def test_every_benchmark_is_measured_in_every_launch(run: dict[str, Any]) -> None:
    assert (run["suite"], run["isolation"], run["platform"]) == ("own:bench", "container", "cpu")
    measured = [(each["launch"], each["case"]) for each in run["measurements"]]
    assert measured == [(launch, case) for launch in (0, 1) for case in MEASURED]


def test_what_pytest_benchmark_knows_arrives(run: dict[str, Any]) -> None:
    table = of(run, f"{TEXT}test_table[two words]")
    assert table["workload"] == f"{TEXT}test_table"
    assert table["benchmark_group"] == "tables"
    assert table["parameters"] == {"style": "two words"}
    assert table["extra_info"]["version"] == "0.9.0"  # from the suite's own requirements
    assert (table["rounds"], table["calls_per_round"], len(table["samples_s"])) == (4, 3, 4)
    assert table["benchmark_options"]["timer"] == "time.perf_counter"
    assert table["benchmark_options"]["mode"] == "benchmark.pedantic(...)"
    assert table["warnings"] == []
    paired = of(run, f"{TEXT}test_setup_and_rounds[100]")
    assert (paired["rounds"], paired["calls_per_round"]) == (6, 1)
    assert paired["parameters"] == {"rows": 100}
    called = of(run, f"{TEXT}test_plain_call")
    assert called["rounds"] == len(called["samples_s"]) > 5
    assert called["benchmark_options"]["max_time"] == 0.05  # of its pytest.ini
    assert of(run, "test_compiled.py::test_product")["extra_info"] == {"devices": 1}


def test_what_json_lacks_is_text_and_said(run: dict[str, Any]) -> None:
    table = of(run, f"{TEXT}test_table[OrderedDict]")
    assert table["parameters"] == {"style": "collections.OrderedDict"}
    assert table["extra_info"]["sizes"] == {"rows": [1, 2], "kind": "collections.OrderedDict"}
    assert "parameters.style is no JSON (type); stored as text" in table["warnings"]
    assert "extra_info.sizes.kind is no JSON (type); stored as text" in table["warnings"]


def test_what_nobody_counted_is_unknown_and_never_zero(run: dict[str, Any]) -> None:
    unknown = ("flops", "bytes", "storage_bytes", "link_bytes", "numerics_error", "compile_s")
    for each in run["measurements"]:
        assert [each[name] for name in (*unknown, "dtype", "phase")] == [None] * 8
        assert each["peak_rss_bytes"] > 1 << 20
        assert each["timed_s"] >= sum(each["samples_s"])


def test_failures_are_charged_and_the_rest_goes_on(run: dict[str, Any]) -> None:
    failures = [(each["case"], each["kind"], each["launch"]) for each in run["failures"]]
    assert failures == [
        (f"{TEXT}test_failing", "raised", 0),
        (f"{TEXT}test_dying", "crashed", 0),
    ]
    messages = [each["message"] for each in run["failures"]]
    assert messages[0].startswith("AssertionError: assert 2 == 3")
    assert "exit code 3" in messages[1]
    parts = [(each["launch"], each["part"]) for each in run["launches"]]
    assert parts == [(0, 0), (0, 1), (1, 0)]


def test_what_is_no_benchmark_is_skipped_with_the_reason(run: dict[str, Any]) -> None:
    reasons = {each["case"]: each["reason"] for each in run["skips"]}
    assert reasons == {
        f"{TEXT}test_no_benchmark": "no benchmark: it does not use the `benchmark` fixture",
        f"{TEXT}test_skipped": "not today",
    }


def test_the_table_leaves_unknown_cells_empty(contained: Outcome) -> None:
    line = next(x for x in contained.out.splitlines() if x.startswith("test_compiled.py::"))
    assert len(line.split()) == 8  # case, median, spread, peak memory, launches, with units


def test_the_environment_tells_of_jax_and_of_what_was_required(run: dict[str, Any]) -> None:
    environment = run["launches"][0]["environment"]
    assert environment["platform"] == "cpu"
    assert environment["packages"]["tabulate"] == "0.9.0"
    assert environment["packages"]["jax"] == environment["jax"]


def test_an_edited_test_rebuilds_the_last_layer_alone(
    jaxrig: Jaxrig, run: dict[str, Any], folder: Path
) -> None:
    file = folder / "bench" / "test_text.py"
    before = file.read_text()
    # What nobody edited before: the engine may still have the image of an earlier test run.
    edited = before.replace('len, "ab") == 3', 'len, "ab") == 2')
    file.write_text(f"{edited}# {uuid4()}\n")
    case = f"{TEXT}test_failing"
    done = jaxrig("run", "--workloads", "bench", "--case", case, "--launches", "1")
    file.write_text(before)
    assert done.code == 0, done.err
    assert "adding bench to target cpu" in done.err
    assert "requires" not in done.err
    assert "adding the workloads" not in done.err
    [measured] = jaxrig.json("show", "latest")["measurements"]
    assert measured["case"] == case
    comparison = jaxrig.json("compare", run["run"], "latest")
    presences = {each["case"]: each["presence"] for each in comparison["cases"]}
    assert presences[case] == "added"


def test_plain_processes_measure_it_where_it_lies(jaxrig: Jaxrig, folder: Path) -> None:
    before = sorted((folder / "bench").rglob("*"))
    done = jaxrig(
        *("run", "--workloads", "bench/test_text.py", "--isolation", "process"),
        *("--case", "*test_table*", "--case", f"{TEXT}test_of_a_child_process"),
        *("--launches", "1"),
    )
    assert done.code == 0, done.err
    run = jaxrig.json("show", "latest")
    assert run["suite"] == "own:bench/test_text.py"
    measured = [each["case"] for each in run["measurements"]]
    assert measured == [case for case in MEASURED if "table" in case or "child" in case]
    assert sorted((folder / "bench").rglob("*")) == before


def test_the_documented_example_is_measured(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own-workloads.md").read_text()
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    assert found[1].count("\n") < 20
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "test_dot.py").write_text(found[1])
    jaxrig = Jaxrig(folder=tmp_path)
    done = jaxrig("run", "--workloads", "bench", "--isolation", "process", "--launches", "1")
    assert done.code == 0, done.err
    for n, each in zip((64, 256), jaxrig.json("show", "latest")["measurements"], strict=True):
        assert each["case"] == f"test_dot.py::test_dot[{n}]"
        assert (each["benchmark_group"], each["parameters"]) == ("dot", {"n": n})
        assert (each["extra_info"], each["rounds"]) == ({"flops": 2 * n**3}, 20)
