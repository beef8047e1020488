"""Every command's table, to the letter, and the keys that scripts rely on."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from containers.stock import Listed
from harness.ab import CaseResult, not_in_common
from harness.cli.stored import stored_runs
from harness.compare import compare
from harness.compared import sides_of
from harness.config import Settings, Suite
from harness.doctor import Finding
from harness.report.comparisons import comparison_view, pairing_view
from harness.report.listings import cases_view, doctor_view, machines_view
from harness.report.matrix import matrix_view
from harness.report.runs import log_view, run_view, runs_view
from harness.report.targets import targets_view
from harness.report.turns import ab_view
from harness.report.view import FORMATS, View, render
from harness.runner.standing import Standing
from harness.store.reader import MachineSummary, Reader
from harness.store.writer import Store
from harness.target import BUILT_IN_TARGETS, Target
from tests.harness.history import MACHINE, add_pair, add_run, begin_run, settled
from tests.harness.samples import A, B, C, parsed_benchmark, parsed_measurement
from workloads.catalog import find

GOLDEN = Path(__file__).parents[1] / "golden"
WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = Settings(
    targets={
        **BUILT_IN_TARGETS,
        "mine": Target(
            platform="cpu", dockerfile=Path("my.Dockerfile"), cpus="0-1", memory=3 << 29, gpus="0,1"
        ),
        "plain": Target(platform="cpu", isolation="process"),
    },
    suites={"mine": Suite(cases=("matmul/256/f32",), launches=2)},
)

IMAGE = Listed(
    digest=f"sha256:{'0f' * 32}", size_bytes=900 << 20, created_at=WHEN - timedelta(hours=50)
)
STANDINGS = {
    "cpu": Standing(image=IMAGE, why_not=None),
    "cuda": Standing(image=None, why_not="there is no GPU here"),
    "mine": Standing(image=None, why_not="there is no GPU here"),
    "plain": Standing(image=None, why_not=None),
}


def matches_golden(view: View, name: str) -> None:
    """The table equals the golden file. To accept a change, write the text shown into it."""
    assert settled(render(view, "table")) == (GOLDEN / f"{name}.txt").read_text()


def document(view: View) -> Any:
    return json.loads(render(view, "json"))


def rows_of(view: View) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(view, "csv"))))


def test_what_is_said_of_many_cases_is_said_once(store: Store, url: str) -> None:
    cases = [f"matmul/{size}/f32" for size in (256, 512, 1024, 2048, 4096)]
    skips = [(case, "needs 2 devices; there are 1") for case in cases[:4]]
    add_run(store, {case: [1.0] for case in cases}, skips=skips, measured={"warnings": ["near"]})
    with Reader(url) as opened:
        run = opened.run("latest")
        view = run_view(run, opened.measurements(run.run), (), (), opened.skips(run.run))
    assert view.notes == [
        "warning: matmul/256/f32, matmul/512/f32, matmul/1024/f32 and 2 more: near",
        f"skipped: {', '.join(cases[:4])}: needs 2 devices; there are 1",
    ]


@pytest.mark.parametrize(("facts", "shown"), [({}, ""), ({"gpus": []}, "none")])
def test_no_gpu_is_told_from_gpus_that_nobody_told(facts: dict[str, Any], shown: str) -> None:
    machine = MachineSummary(
        name="node", machine="1" * 16, facts=facts, first_seen_at=WHEN, same_as=None, runs=1
    )
    (row,) = machines_view([machine]).rows
    assert row[6] == shown


@pytest.fixture
def reader(store: Store, url: str) -> Iterator[Reader]:
    """Two runs: one well, and a newer one with other cases and failures."""
    add_run(store, {A: [1.0e-3, 1.1e-3, 1.2e-3], B: [2e-3]}, tags={"night": "1"})
    add_run(
        store,
        {A: [2.0e-3, 2.2e-3, 2.4e-3], C: [5.0]},
        status="failed",
        isolation="process",
        image=None,
        skips=[(C, "may need 9.00 GiB of host memory; there are 8.00 GiB")],
        failures=[(B, "crashed", "exit code 139\nSegfault \x1b[31m"), (None, "engine", "gone")],
        measured={"peak_rss_bytes": None, "warnings": ["the clock drifted"]},
        log="one\ntwo\x1b[2J\n",
    )
    with Reader(url) as opened:
        yield opened


def shown(reader: Reader, reference: str) -> View:
    return run_view(
        reader.run(reference),
        reader.measurements(reference),
        reader.failures(reference),
        reader.launches(reference),
        reader.skips(reference),
        reader.pairings(reference),
    )


def compared(reader: Reader) -> View:
    base, candidate = sides_of(reader, "latest~1", "latest")
    return comparison_view(compare(base, candidate, SETTINGS.floor), "jaxrig ab cpu mine")


FINDINGS = [
    Finding(check="engine", status="fail", found="no Docker engine answers", mend="start one"),
    Finding(check="memory", status="ok", found="8.00 GiB available"),
]

AB = (
    CaseResult(
        case=A,
        metric="time",
        unit="s",
        verdict="slower",
        ratio=1.052,
        low=1.041,
        high=1.063,
        pairs=9,
        base=0.0123,
        effect=0.00064,
        remarks=(),
    ),
    CaseResult(
        case="activation/gelu/64MiB/f32",
        metric="memory",
        unit="bytes",
        verdict="unclear",
        ratio=0.99,
        low=None,
        high=None,
        pairs=1,
        base=float(512 << 20),
        effect=-float(5 << 20),
        remarks=("1 launch pair(s): no interval",),
    ),
    CaseResult(
        case=B,
        metric="time",
        unit="s",
        verdict="unclear",
        ratio=None,
        low=None,
        high=None,
        pairs=0,
        base=None,
        effect=None,
        remarks=("0 launch pair(s): no interval",),
    ),
    *not_in_common({C: "removed"}),
)


def several(reader: Reader) -> View:
    runs = [reader.run("latest~1"), reader.run("latest")]
    return matrix_view(
        runs,
        [reader.measurements(run.run, samples=False) for run in runs],
        [reader.failures(run.run) for run in runs],
        [reader.skips(run.run) for run in runs],
    )


VIEWS: dict[str, Callable[[Reader], View]] = {
    "runs": lambda reader: runs_view(reader.runs()),
    "show": lambda reader: shown(reader, "latest~1"),
    "show-failed": lambda reader: shown(reader, "latest"),
    "several": several,
    "show-log": lambda reader: log_view(reader.launches("latest")),
    "machines": lambda reader: machines_view(reader.machines()),
    "compare": compared,
    "ab": lambda _: ab_view(
        ("base-run", "candidate-run"), AB, "slower", sides=("cpu@main", "cpu"), notes=["a note"]
    ),
    "cases": lambda _: cases_view(SETTINGS, [find(A), find("activation/gelu/64MiB/f32")]),
    "targets": lambda _: targets_view(SETTINGS, STANDINGS, WHEN),
    "doctor": lambda _: doctor_view(FINDINGS),
}


def test_of_one_s_own_unknown_cells_are_empty(store: Store, url: str) -> None:
    run, name = begin_run(store, suite="own:bench")
    for index in (0, 1):
        launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
        store.add_measurement(launch, parsed_benchmark("t.py::test_a[two words]", [1.0]))
        store.add_measurement(launch, parsed_measurement(A, [1.0]))  # floats beside nothing
    with Reader(url) as opened:
        view = shown(opened, name)
    row = ("t.py::test_a[two words]", "1.00 s", "0.0 %", "", "", "256 MiB", "", "2")
    assert view.rows[0] == row
    assert document(view)["measurements"][0]["flops"] is None
    assert "own:bench suite of cpu" in render(view, "table")


@pytest.mark.parametrize(("others", "ratios"), [((), [None, 1.0]), (("c",), [None, 1.0, 2.0])])
def test_where_the_first_target_measured_nothing_the_next_is_what_others_are_held_against(
    store: Store, url: str, others: tuple[str, ...], ratios: list[float | None]
) -> None:
    """Ratios take two that measured: how they are meant is said then."""
    measured = {"b": {A: [1.0]}} | {name: {A: [2.0]} for name in others}
    names = [
        add_run(store, {}, target="a", failures=[(None, "environment", "no image")]),
        *(add_run(store, launches, target=target) for target, launches in measured.items()),
    ]
    view = stored_runs(url, names)
    (case,) = document(view)["cases"]
    assert [each["ratio"] for each in case["targets"]] == ratios
    assert document(view)["runs"][0]["failures"] == [
        {"case": None, "kind": "environment", "message": "no image"}
    ]
    assert view.rows[0][1:3] == ("failed", "1.00 s")
    text = render(view, "table")
    assert ("takes 1.1 times as long as on b; `jaxrig ab b c`" in text) == bool(others)


@pytest.mark.parametrize("name", VIEWS)
def test_the_table_is_the_golden_one(reader: Reader, name: str) -> None:
    matches_golden(VIEWS[name](reader), name)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_view_in_every_format_is_safe_to_print(reader: Reader, name: str, form: Any) -> None:
    text = render(VIEWS[name](reader), form)
    assert text.endswith("\n")
    assert [each for each in text if not each.isprintable() and each not in "\n\t"] == []


KEYS = {
    "runs": "run status target platform isolation machine image suite started_at measurements "
    "failures",
    "machines": "name machine",
    "cases": "case workload phase dtype suites flops bytes",
    "targets": "name platform runs_here why_not image_digest image_size_bytes image_created_at",
    "doctor": "check status found mend",
    "show-log": "launch part status log",
}


@pytest.mark.parametrize(("name", "keys"), KEYS.items())
def test_lists_have_the_promised_keys(reader: Reader, name: str, keys: str) -> None:
    view = VIEWS[name](reader)
    for each in document(view):
        assert set(keys.split()) <= set(each)
    assert set(keys.split()) <= set(rows_of(view)[0])
    assert len(rows_of(view)) == len(document(view))


def test_a_run_s_document_holds_every_sample_and_failure(reader: Reader) -> None:
    run = document(shown(reader, "latest"))
    assert run["status"] == "failed"
    first = run["measurements"][0]
    assert {"case", "launch", "median_s", "samples_s", "flops", "bytes"} <= set(first)
    assert (first["case"], first["launch"], first["samples_s"]) == (A, 0, [2e-3] * 3)
    assert [(x["case"], x["kind"]) for x in run["failures"]] == [(B, "crashed"), (None, "engine")]
    assert run["failures"][0]["message"] == "exit code 139\nSegfault \x1b[31m"
    assert run["launches"][0]["noise"] == {"load_before": 0.5}
    assert len(rows_of(shown(reader, "latest"))) == len(run["measurements"]) == 4


def test_what_only_some_launches_know_is_null_in_the_others(store: Store, url: str) -> None:
    """pandas makes NaN of it, which is no JSON."""
    run, name = begin_run(store)
    for index, xla_flops in enumerate((None, 1.9e9)):
        launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
        store.add_measurement(launch, parsed_measurement(A, xla_flops=xla_flops))
    with Reader(url) as opened:
        view = shown(opened, name)
    assert [each["xla_flops"] for each in document(view)["measurements"]] == [None, 1.9e9]
    assert [each["xla_flops"] for each in rows_of(view)] == ["", "1900000000.0"]


def test_a_comparison_s_document_has_the_promised_keys(reader: Reader) -> None:
    comparison = document(compared(reader))
    assert {"base", "candidate", "differences", "workloads", "cases", "verdict"} <= set(comparison)
    promised = {"case", "metric", "ratio", "low", "high", "verdict", "pairs"}
    assert all(promised <= set(case) for case in comparison["cases"])
    found = {case["case"]: (case["presence"], case["ratio"]) for case in comparison["cases"]}
    assert found == {A: ("both", pytest.approx(2.0)), B: ("removed", None), C: ("added", None)}
    (workload,) = comparison["workloads"]
    assert set(workload) == {"workload", "ratio", "low", "high", "cases"}
    assert comparison["verdict"] == "unclear"
    assert {case["pairs"] for case in comparison["cases"]} == {0}


def test_across_machines_what_differs_comes_first_and_workloads_have_a_mean(
    store: Store, url: str
) -> None:
    other = replace(MACHINE, cpu_model="Another CPU", memory_gib=32)
    for machine, by in ((MACHINE, 1.0), (other, 2.0)):
        for luck in (1.0, 1.001, 1.002, 1.001, 1.0):
            times = {A: [by * luck] * 4, B: [by * luck * 2] * 4}
            add_run(store, times, machine=machine)
    with Reader(url) as opened:
        base, candidate = sides_of(opened, "latest~5", "latest")
    matches_golden(
        comparison_view(compare(base, candidate, SETTINGS.floor), None), "compare-machines"
    )


def test_of_other_metrics_only_what_is_slower_is_in_the_verdict() -> None:
    time = replace(AB[0], verdict="same")
    memory = replace(AB[0], metric="memory", verdict="unclear")
    for results, verdict, said in (
        ([time, memory], "same", "same: other over one, in 1 of 1 case(s)"),
        ([replace(time, verdict="unclear"), replace(memory, case=B)], "unclear", ", in 1 of 2"),
        ([time, replace(memory, verdict="slower")], "slower", "slower: other over one, in 1 of 1"),
    ):
        assert said in ab_view(("one", "other"), results, verdict).preface[0]


def test_runs_measured_in_turns_are_shown_with_the_verdicts_of_then(store: Store, url: str) -> None:
    base, candidate = add_pair(store, AB)
    with Reader(url) as opened:
        (pairing,) = opened.pairings(base)
        assert opened.pairings(candidate) == [pairing]
        view = pairing_view(pairing)
        matches_golden(view, "compare-turns")
        matches_golden(shown(opened, candidate), "show-turns")
        assert document(shown(opened, base))["pairings"][0]["verdicts"][0]["case"] == A
    found = document(view)
    assert (found["base"], found["candidate"], found["in_turns"]) == (base, candidate, True)
    assert [each["pairs"] for each in found["cases"]] == [9, 1, 0]
    assert found["verdict"] == "slower"


def test_nothing_stored_is_an_empty_table_and_an_empty_list() -> None:
    assert document(runs_view([])) == []
    assert render(runs_view([]), "table").startswith("run")
