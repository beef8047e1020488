"""Several runs in turns: launch by launch, there and back, each stored as a run of its own."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from containers.errors import EngineUnavailable, ImageUnavailable, LaunchRefused
from containers.spec import LaunchSpec
from harness.errors import EnvironmentFailure, Interrupted
from harness.plan import Plan
from harness.runner import run as runner
from harness.runner.run import Result
from harness.runner.setup import Setup
from harness.runner.several import execute_several
from harness.store.reader import Reader
from tests.command import Jaxrig
from tests.harness.fakes import FakeEngine, Script
from tests.harness.runner.bench import Bench, plan, prints, well
from tests.harness.samples import A, B, environment, line

NO_GPU = "could not select device driver"
FELL_BACK = "is for platform cpu, but JAX found tpu"


def named(name: str, launches: int) -> Plan:
    return replace(plan(A, B, launches=launches, env={"X": name}), target_name=name)


def execute(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine, *plans: Plan
) -> list[Result]:
    bench.engine = engine
    monkeypatch.setattr(runner, "set_up", lambda *_: Setup(engine=engine, image=None))
    return execute_several([(each, bench.watcher) for each in plans], bench.store)


def order(bench: Bench) -> str:
    return "".join(spec.env["X"] for spec in bench.engine.specs)


def test_launches_come_in_turns_there_and_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = (named("a", 3), named("b", 3), named("c", 2))
    results = execute(bench, monkeypatch, FakeEngine(well), *plans)
    assert order(bench) == "abc" + "cba" + "ab"
    assert [each.measurements for each in results] == [6, 6, 4]
    with Reader(bench.url) as reader:
        runs = [reader.run(each.name) for each in results]
    assert [(run.target, run.status) for run in runs] == [
        ("a", "done"),
        ("b", "done"),
        ("c", "done"),
    ]


def test_a_target_that_dies_at_once_is_left_out_and_the_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(spec: LaunchSpec) -> Script:
        return prints(code=1)(spec) if spec.env["X"] == "a" else well(spec)

    results = execute(bench, monkeypatch, FakeEngine(script), named("a", 2), named("b", 2))
    assert order(bench) == "abb"
    assert [(each.failures, each.measurements) for each in results] == [(1, 0), (0, 4)]


def test_all_are_timed_before_any_is_profiled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [replace(named(name, 1), profiled=True) for name in "ab"]
    execute(bench, monkeypatch, FakeEngine(well), *plans)
    assert ["--profile" in spec.command for spec in bench.engine.specs] == [False] * 2 + [True] * 2
    assert order(bench) == "abab"


def test_an_interrupt_ends_all_of_them_and_keeps_what_was_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(spec: LaunchSpec) -> Script:
        return Script([Interrupted("now")]) if spec.env["X"] == "b" else well(spec)

    with pytest.raises(Interrupted):
        execute(bench, monkeypatch, FakeEngine(script), named("a", 2), named("b", 2))
    with Reader(bench.url) as reader:
        runs = {run.target: (run.status, run.measurements) for run in reader.runs()}
    assert runs == {"a": ("interrupted", 2), "b": ("interrupted", 0)}


def refuse(_: LaunchSpec) -> Script:
    raise LaunchRefused(NO_GPU)


@pytest.mark.parametrize(
    ("amiss", "why"), [(refuse, NO_GPU), (prints(line(environment(platform="tpu"))), FELL_BACK)]
)
def test_what_is_amiss_with_one_target_ends_its_run_alone_and_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, amiss: Callable[[LaunchSpec], Script], why: str
) -> None:
    def script(spec: LaunchSpec) -> Script:
        return amiss(spec) if spec.env["X"] == "a" else well(spec)

    results = execute(bench, monkeypatch, FakeEngine(script), named("a", 2), named("b", 2))
    assert order(bench) == "abb"
    assert why in results[0].amiss
    assert [(each.failures, each.measurements) for each in results] == [(1, 0), (0, 4)]
    with Reader(bench.url) as reader:
        runs = [reader.run(each.name) for each in results]
        (kept,) = reader.failures(results[0].name)
    assert [run.status for run in runs] == ["failed", "done"]
    assert (kept.launch, why in kept.message) == (0, True)


def test_a_profiler_s_launch_that_is_refused_ends_that_of_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(spec: LaunchSpec) -> Script:
        profiled = "--profile" in spec.command
        return refuse(spec) if profiled and spec.env["X"] == "a" else well(spec)

    plans = [replace(named(name, 1), profiled=True) for name in "ab"]
    first, second = execute(bench, monkeypatch, FakeEngine(script), *plans)
    assert order(bench) == "abab"
    assert (NO_GPU in first.amiss, second.amiss) == (True, "")
    assert [(each.failures, each.measurements) for each in (first, second)] == [(1, 2), (0, 2)]


def test_a_target_that_cannot_begin_is_said_at_once_and_kept_as_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = bench.engine = FakeEngine(well)

    def set_up(plan: Plan, _say: Callable[[str], None]) -> Setup:
        if plan.target_name == "a":
            raise ImageUnavailable("image of target a cannot be built\n  the end of the build")
        assert "failed None environment True" in bench.watcher.events
        return Setup(engine=engine, image=None)

    monkeypatch.setattr(runner, "set_up", set_up)
    plans = [(named(name, 1), bench.watcher) for name in "ab"]
    first, second = execute_several(plans, bench.store)
    assert (first.failures, second.measurements, second.amiss) == (1, 2, "")
    with Reader(bench.url) as reader:
        (kept,) = reader.failures(first.name)
        run = reader.run(first.name)
    assert (run.target, run.status, run.measurements) == ("a", "failed", 0)
    assert (kept.kind, kept.message) == ("environment", first.amiss)
    assert "the end of the build" in kept.message


def test_an_engine_that_answers_no_more_ends_all_of_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(spec: LaunchSpec) -> Script:
        return Script([EngineUnavailable("gone")]) if spec.env["X"] == "b" else well(spec)

    with pytest.raises(EnvironmentFailure, match="gone"):
        execute(bench, monkeypatch, FakeEngine(script), named("a", 2), named("b", 2))
    assert order(bench) == "ab"
    with Reader(bench.url) as reader:
        assert [run.status for run in reader.runs()] == ["failed", "failed"]


FAILING = "ARG BASE\nFROM $BASE\nRUN echo the reason && exit 7\n"
AMISS = """
[targets.not-built]
platform = "cpu"
dockerfile = "failing.Dockerfile"
[targets.plain]
extends = "cpu"
isolation = "process"
[targets.without-gpu]
platform = "cuda"
isolation = "process"
env = { JAX_PLATFORMS = "cpu" }
"""


def test_the_command_measures_what_it_can_and_ends_with_5(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    (tmp_path / "jaxrig.toml").write_text(AMISS)
    (tmp_path / "failing.Dockerfile").write_text(FAILING)
    jaxrig = Jaxrig(folder=tmp_path)
    targets = ("--target", "not-built", "--target", "plain", "--target", "without-gpu")
    done = jaxrig("run", *targets, "--case", A, "--launches", "2")
    assert done.code == 5, done.err
    assert "not-built:  FAILED (environment): image of target not-built cannot" in done.err
    assert "2 of 3 runs could not be measured here" in done.err
    assert "not-built: FAILED to begin (environment): image of target not-built" in done.out
    assert "without-gpu: FAILED a launch (environment): target without-gpu is for" in done.out
    failed, measured, fell_back = reversed(jaxrig.json("runs"))
    assert [each["measurements"] for each in (failed, measured, fell_back)] == [0, 2, 0]
    assert "the reason" in jaxrig.json("show", failed["run"])["failures"][0]["message"]


def test_the_command_shows_targets_beside_each_other(tmp_path: Path) -> None:
    plain = 'extends = "cpu"\nisolation = "process"\n'
    (tmp_path / "jaxrig.toml").write_text(f"[targets.p-a]\n{plain}[targets.p-b]\n{plain}")
    words = ("--target", "p-*", "--case", A, "--launches", "2")
    done = Jaxrig(folder=tmp_path)("run", *words, "--format", "json")
    assert done.code == 0, done.err
    said = re.findall(r"(?m)^(p-.): launch (\d)/2  matmul", done.err)
    assert said == [("p-a", "1"), ("p-b", "1"), ("p-b", "2"), ("p-a", "2")]
    document = json.loads(done.out)
    assert [run["target"] for run in document["runs"]] == ["p-a", "p-b"]
    (case,) = document["cases"]
    first, second = case["targets"]
    assert (case["case"], first["ratio"], first["launches"]) == (A, 1.0, 2)
    assert second["ratio"] == pytest.approx(second["median_s"] / first["median_s"])
