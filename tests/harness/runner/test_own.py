"""Whole runs of a suite of one's own: what it is asked, what is kept of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from containers.engine import Exit
from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from harness.errors import UsageError
from harness.own import OwnSuite
from harness.plan import PairPlan, Plan
from harness.runner import pairs
from harness.runner.setup import Setup
from harness.store.reader import Reader
from tests.checkout import ROOT
from tests.harness.fakes import Script, cases_in
from tests.harness.runner.bench import ENVIRONMENT, Bench, plan, prints
from tests.harness.runner.test_pairs import Says
from tests.harness.samples import (
    A,
    benchmark,
    collected,
    environment,
    finished,
    line,
    lines,
    measured,
    started,
)

OWN = ("test_a.py::test_b[1]", "test_a.py::test_b[2]", "test_a.py::test_c")


def own_plan(*globs: str, launches: int = 1, **changes: Any) -> Plan:
    suite = OwnSuite(folder=Path("/own/bench"), globs=globs)
    made = plan(launches=launches, **changes)
    return replace(made, suite=suite.name, own=suite)


def own_script(
    *, said: dict[str, Any] | None = None, launch: Callable[[LaunchSpec], Script] | None = None
) -> Callable[[LaunchSpec], Script]:
    """Answers to being asked what there is, then measures it."""

    def well(spec: LaunchSpec) -> Script:
        cases = cases_in(spec)
        return Script([ENVIRONMENT, *map(own_measured, cases), line(finished(len(cases)))])

    def script(spec: LaunchSpec) -> Script:
        if "--collect" in spec.command:
            return Script([line(collected(*OWN) | (said or {}))])
        return (launch or well)(spec)

    return script


def own_measured(case: str, **changes: Any) -> bytes:
    return lines(started(case), benchmark(case, [0.5, 0.25], **changes))


def test_a_suite_of_one_s_own_is_asked_what_it_holds_and_measured(bench: Bench) -> None:
    result = bench.execute(own_plan(launches=2), own_script())
    kept = bench.read()
    assert kept.measured == [(launch, 0, case) for launch in (0, 1) for case in OWN]
    assert (kept.status, result.failures) == ("done", 0)
    asked, first, _ = bench.engine.specs
    command = ("-m", "workloads.guest", "--root", "/own/bench")
    assert asked.command == (*command, "--collect")
    assert first.command == (*command, *(f"--case={case}" for case in OWN))
    assert (asked.env, asked.limits) == (first.env, first.limits)
    with Reader(bench.url) as reader:
        run, frame = reader.run("latest"), reader.measurements("latest")
    assert run.suite == "own:bench"
    row = frame.iloc[0]
    assert (row["workload"], row["benchmark_group"]) == ("test_a.py::test_b", "tables")
    assert row["samples_s"].tolist() == [0.5, 0.25]
    assert row["extra_info"] == {"sizes": [1, {"deep": True}], "note": "é"}


def test_globs_choose_among_its_cases(bench: Bench) -> None:
    bench.execute(own_plan("test_a.py::test_b[2]"), own_script())
    assert bench.read().measured == [(0, 0, OWN[1])]
    with pytest.raises(UsageError, match="no case of own:bench matches 'nope'"):
        bench.execute(own_plan("nope"), own_script())


def test_a_suite_without_benchmarks_is_a_usage_error(bench: Bench) -> None:
    only_others = own_script(said={"benchmarks": [], "others": ["test_a.py::test_d"]})
    with pytest.raises(UsageError, match="no test of own:bench uses"):
        bench.execute(own_plan(), only_others)
    with Reader(bench.url) as reader:
        assert reader.runs() == []


def test_what_cannot_be_collected_fails_and_the_rest_is_measured(bench: Bench) -> None:
    failures = [{"case": "test_z.py", "message": "SyntaxError"}]
    result = bench.execute(own_plan(OWN[0], "test_z*"), own_script(said={"failures": failures}))
    kept = bench.read()
    assert (kept.status, result.failures) == ("failed", 1)
    assert kept.failures == [("test_z.py", "raised", None)]
    assert kept.measured == [(0, 0, OWN[0])]


def test_a_suite_that_cannot_be_collected_at_all_is_a_failed_run(bench: Bench) -> None:
    result = bench.execute(own_plan(), prints(code=4, log="ImportError in conftest.py"))
    kept = bench.read()
    assert (kept.status, result.failures, kept.launches) == ("failed", 1, [])
    assert kept.failures == [(None, "crashed", None)]
    assert "ImportError in conftest.py" in kept.messages[0]


def test_after_a_crash_the_rest_of_one_s_own_goes_on(bench: Bench) -> None:
    def crash(spec: LaunchSpec) -> Script:
        cases = cases_in(spec)
        if OWN[1] not in cases:
            return Script([ENVIRONMENT, *map(own_measured, cases), line(finished(1))])
        ending = Exit(code=139, out_of_memory=False)
        return Script([ENVIRONMENT, own_measured(OWN[0]), line(started(OWN[1]))], ending)

    bench.execute(own_plan(), own_script(launch=crash))
    kept = bench.read()
    assert kept.measured == [(0, 0, OWN[0]), (0, 1, OWN[2])]
    assert kept.failures == [(OWN[1], "crashed", 0)]


def test_neither_kind_of_run_takes_the_other_s_records(bench: Bench) -> None:
    bench.execute(plan(A), prints(ENVIRONMENT, own_measured(A), line(finished(1))))
    assert bench.read().failures[0][:2] == (A, "bad_record")
    forged = prints(ENVIRONMENT, measured(A), line(finished(1)))
    bench.execute(own_plan(), own_script(said={"benchmarks": [A]}, launch=forged))
    kept = bench.read()
    assert (kept.measured, kept.failures[0][:2]) == ([], (A, "bad_record"))


def test_a_benchmark_that_ran_elsewhere_than_the_target_says_is_never_stored(bench: Bench) -> None:
    launch = prints(
        line(environment(platform="cuda")),
        own_measured(OWN[0], platform="cpu"),
        own_measured(OWN[1], platform="cuda"),
        own_measured(OWN[2], platform=None),
        line(finished(3)),
    )
    bench.execute(own_plan(platform="cuda"), own_script(launch=launch))
    kept = bench.read()
    assert kept.measured == [(0, 0, OWN[1]), (0, 0, OWN[2])]
    assert kept.failures[0][:2] == (OWN[0], "bad_record")
    assert "it ran on cpu" in kept.messages[0]
    with Reader(bench.url) as reader:
        jax, without = reader.measurements("latest")["warnings"]
    assert jax == []
    assert without == ["JAX had not been started: nothing shows that this ran on cuda"]


IN_TURNS = """
import os

SIDE = os.environ["SIDE"]
HERE = os.path.dirname(__file__)

def work():
    with open(f"{HERE}/diary", "a") as diary:
        diary.write(SIDE)
    return 1

def test_rounds(benchmark): benchmark.pedantic(work, rounds=4)
def test_unequal(benchmark): benchmark.pedantic(sum, ([1],), rounds=3 if SIDE == "a" else 5)
def test_called(benchmark): benchmark(sum, [1, 2])
def test_broken(benchmark): benchmark.pedantic(sum, ([1],) if SIDE == "a" else (1,), rounds=2)

if SIDE == "a":
    def test_old(benchmark): benchmark(sum, [1])
else:
    def test_new(benchmark): benchmark(sum, [1])
"""


@pytest.fixture
def in_turns(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a suite that real launches of two sides measure."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "test_a.py").write_text(IN_TURNS)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --benchmark-max-time=0.01\n")
    setup = Setup(engine=ProcessEngine(ROOT), image=None, own_folder=str(folder))
    monkeypatch.setattr(pairs, "set_up", lambda *_: setup)
    return folder


def test_one_s_own_takes_turns_by_rounds_where_it_is_pedantic_and_else_by_tests(
    bench: Bench, in_turns: Path
) -> None:
    sides = [replace(own_plan(launches=2, env={"SIDE": name}), target_name=name) for name in "ab"]
    plan = PairPlan(base=sides[0], candidate=sides[1], rounds=0)
    result = pairs.execute_pairs(
        plan, bench.store, bench.watcher, lambda cases: Says(dict.fromkeys(cases, 2))
    )
    rounds, unequal, called, broken = (
        f"test_a.py::test_{name}" for name in ("rounds", "unequal", "called", "broken")
    )
    assert result.cases == (rounds, unequal, called, broken)
    assert result.others == {"test_a.py::test_old": "removed", "test_a.py::test_new": "added"}
    assert [(each.pair, each.case, each.by_rounds) for each in result.turned] == [
        (pair, case, case == rounds) for pair in (0, 1) for case in (rounds, unequal, called)
    ]
    counts = [(len(each.base_s), len(each.candidate_s)) for each in result.turned[:2]]
    assert counts == [(4, 4), (3, 5)]
    diary = (in_turns / "diary").read_text()
    assert len(diary) == 16
    assert {diary[i : i + 2] for i in range(0, 16, 2)} == {"ab", "ba"}
    assert bench.read().failures == [(broken, "raised", 0)]
