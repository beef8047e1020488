"""A whole run: what reaches the store, when, and how the run ends."""

import os
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from containers.engine import Exit
from containers.errors import EngineUnavailable, LaunchRefused
from containers.images import Image
from containers.ingredients import Ingredients
from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted
from harness.runner.setup import Setup
from harness.store.reader import Reader, Skip
from tests.harness.fakes import FOREVER, FakeEngine, Script, cases_in
from tests.harness.runner.bench import ENVIRONMENT, Bench, plan, prints, well
from tests.harness.samples import (
    A,
    B,
    C,
    environment,
    failure,
    finished,
    line,
    lines,
    measured,
    skipped,
    started,
)
from workloads.case import Case
from workloads.catalog import find


def test_a_run_that_goes_well(bench: Bench) -> None:
    result = bench.execute(plan(A, B, launches=2))
    kept = bench.read()
    assert kept.status == "done"
    assert kept.measured == [(0, 0, A), (0, 0, B), (1, 0, A), (1, 0, B)]
    assert kept.launches == [(0, 0, "done"), (1, 0, "done")]
    assert result.failures == 0
    with Reader(bench.url) as reader:
        run, launch = reader.run(result.name), reader.launches(result.name)[0]
    assert (run.target, run.platform, run.isolation) == ("cpu", "cpu", "process")
    assert (run.tags, run.launches_planned, run.image) == ({"night": "1"}, 2, None)
    assert run.ended_at is not None
    assert launch.log == "well\n"
    assert launch.exit_code == 0
    assert launch.limits["cpus"] == "0"
    assert launch.noise is not None
    assert launch.noise["duration_s"] >= 0
    assert launch.environment is not None
    assert launch.environment["platform"] == "cpu"


def test_a_launch_is_asked_for_as_the_target_says(bench: Bench) -> None:
    result = bench.execute(plan(A, B, memory=1 << 30, shm=1 << 23, launch_limit_s=77.0, gpus="0,2"))
    (spec,) = bench.engine.specs
    assert spec.command == ("-m", "workloads.launch", f"--case={A}", f"--case={B}")
    assert spec.env == {"X": "y", "JAXRIG_CASE_LIMIT_S": "120"}
    assert (spec.limits.memory_bytes, spec.limits.shm_bytes) == (1 << 30, 1 << 23)
    assert spec.gpus == ("0", "2")
    assert spec.labels == {"jaxrig.run": result.name, "jaxrig.launch": "0"}
    assert spec.deadline_s == 77.0
    assert bench.engine.launches[0].kills == 1  # left as a context manager


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ({}, {}),
        ({"shm": 1 << 23}, {"shm_bytes": 1 << 23}),
        ({"gpus": True}, {}),
        ({"gpus": "0,2"}, {"gpus": "0,2"}),
    ],
)
def test_limits_are_stored_where_they_were_set(
    bench: Bench, asked: dict[str, Any], stored: dict[str, Any]
) -> None:
    """What is left to the engine is not: older runs, which have no such key, are alike."""
    bench.execute(replace(plan(A, memory=1 << 30, **asked), isolation="container"))
    with Reader(bench.url) as reader:
        (launch,) = reader.launches("latest")
    default = {"cpus": "0", "memory_bytes": 1 << 30, "pids": 1024, "tmp_bytes": 1 << 30}
    assert launch.limits == default | stored


@pytest.mark.parametrize(
    ("cases", "scratch"), [((A,), False), ((A, "storage/nano/save/f32"), True)]
)
def test_a_launch_that_measures_storage_is_given_a_disk(
    bench: Bench, cases: tuple[str, ...], scratch: bool
) -> None:
    bench.execute(plan(*cases))
    assert [spec.scratch for spec in bench.engine.specs] == [scratch]


def test_whoever_watches_is_told_of_every_step(bench: Bench) -> None:
    bench.execute(plan(A))
    assert bench.watcher.events == ["run 1x1 True", "launch 0.0", f"start {A}", f"measured {A}"]


def test_every_measurement_is_committed_before_the_next_line_is_read(bench: Bench) -> None:
    counts: list[int] = []

    def count() -> None:
        connection = sqlite3.connect(bench.url.removeprefix("sqlite:///"))
        counts.extend(connection.execute("SELECT count(*) FROM measurements").fetchone())
        connection.close()

    bench.execute(
        plan(A, B),
        prints(ENVIRONMENT, count, measured(A), count, measured(B), count, line(finished(2))),
    )
    assert counts == [0, 1, 2]


def test_a_failed_case_is_not_tried_in_later_launches(bench: Bench) -> None:
    def script(spec: LaunchSpec) -> Script:
        steps = [
            lines(started(case), failure(case)) if case == A else measured(case)
            for case in cases_in(spec)
        ]
        return Script([ENVIRONMENT, *steps, line(finished(1))])

    result = bench.execute(plan(A, B, launches=3), script)
    assert [cases_in(spec) for spec in bench.engine.specs] == [(A, B), (B,), (B,)]
    assert result.failures == 1
    kept = bench.read()
    assert kept.status == "failed"
    assert kept.failures == [(A, "raised", 0)]
    assert kept.measured == [(0, 0, B), (1, 0, B), (2, 0, B)]
    assert [status for _, _, status in kept.launches] == ["failed", "done", "done"]


def test_a_skipped_case_is_kept_with_its_reason_and_fails_nothing(bench: Bench) -> None:
    skip = prints(ENVIRONMENT, lines(started(A), skipped(A)), measured(B), line(finished(1)))
    result = bench.execute(plan(A, B), skip)
    assert (result.failures, result.measurements, result.skipped) == (0, 1, {A: "too large"})
    kept = bench.read()
    assert (kept.status, kept.failures, kept.measured) == ("done", [], [(0, 0, B)])
    with Reader(bench.url) as reader:
        assert reader.skips("latest") == [Skip(case=A, reason="too large", launch=0)]
        assert reader.run("latest").skipped == 1
    assert f"skipped {A} True" in bench.watcher.events


def test_cases_that_want_more_devices_run_in_a_process_of_their_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_with_devices(case: str) -> Case:
        return replace(find(case), devices=4 if case in (A, C) else 1)

    monkeypatch.setattr("harness.plan.find", find_with_devices)
    monkeypatch.setattr("harness.runner.asked.find", find_with_devices)
    bench.execute(plan(A, B, C, launches=2))
    assert [cases_in(spec) for spec in bench.engine.specs] == [(A, C), (B,), (A, C), (B,)]
    assert ["--devices" in spec.command for spec in bench.engine.specs] == [True, False] * 2
    assert bench.engine.specs[0].command[2:4] == ("--devices", "4")
    kept = bench.read()
    assert kept.measured == [
        (i, part, case) for i in (0, 1) for part, case in ((0, A), (0, C), (1, B))
    ]
    assert kept.status == "done"


def test_where_every_case_failed_no_further_launch_is_started(bench: Bench) -> None:
    failing = prints(ENVIRONMENT, lines(started(A), failure(A), finished(0)))
    assert bench.execute(plan(A, launches=3), failing).failures == 1
    assert len(bench.engine.specs) == 1


def test_after_a_crash_a_second_part_measures_the_rest(bench: Bench) -> None:
    def script(spec: LaunchSpec) -> Script:
        if B not in cases_in(spec):
            return well(spec)
        crash = Exit(code=139, out_of_memory=False)
        return Script([ENVIRONMENT, measured(A), line(started(B))], crash, "Segmentation fault")

    bench.execute(plan(A, B, C), script)
    assert [cases_in(spec) for spec in bench.engine.specs] == [(A, B, C), (C,)]
    kept = bench.read()
    assert kept.measured == [(0, 0, A), (0, 1, C)]
    assert kept.failures == [(B, "crashed", 0)]
    assert "Segmentation fault" in kept.messages[0]
    assert kept.launches == [(0, 0, "failed"), (0, 1, "done")]
    assert kept.status == "failed"


def test_a_launch_limit_holds_over_all_parts(bench: Bench) -> None:
    def script(spec: LaunchSpec) -> Script:
        return Script([ENVIRONMENT + line(started(cases_in(spec)[0])), FOREVER])

    bench.execute(plan(A, B, C, case_limit_s=0.5, launch_limit_s=0.9), script)
    kept = bench.read()
    assert [(case, kind) for case, kind, _ in kept.failures] == [
        (A, "timed_out"),
        (B, "timed_out"),
        (C, "timed_out"),
    ]
    assert len(kept.launches) == 2


def test_a_launch_that_dies_before_its_first_case_ends_the_run(bench: Bench) -> None:
    result = bench.execute(plan(A, launches=3), prints(code=1, log="No module named jax"))
    assert result.failures == 1
    assert len(bench.engine.specs) == 1
    kept = bench.read()
    assert (kept.status, kept.failures) == ("failed", [(None, "crashed", 0)])
    assert "before its first case" in kept.messages[0]
    assert "No module named jax" in kept.messages[0]


def test_another_platform_than_the_target_s_records_nothing(bench: Bench) -> None:
    with pytest.raises(EnvironmentFailure, match="target cpu is for platform cuda"):
        bench.execute(plan(A, platform="cuda"))
    kept = bench.read()
    assert kept.measured == []
    assert (kept.status, kept.failures) == ("failed", [(None, "environment", 0)])
    assert kept.launches == [(0, 0, "failed")]
    assert bench.engine.launches[0].kills == 1


def test_an_engine_that_refuses_ends_the_run(bench: Bench) -> None:
    def refuse(spec: LaunchSpec) -> Script:
        raise LaunchRefused("no such device")

    with pytest.raises(EnvironmentFailure, match="no such device"):
        bench.execute(plan(A), refuse)
    kept = bench.read()
    assert (kept.status, kept.failures) == ("failed", [(None, "engine", 0)])
    assert kept.launches == [(0, 0, "failed")]


def test_an_engine_that_dies_in_the_middle_leaves_what_was_measured(bench: Bench) -> None:
    with pytest.raises(EnvironmentFailure, match="gone"):
        bench.execute(plan(A, B), prints(ENVIRONMENT, measured(A), EngineUnavailable("gone")))
    kept = bench.read()
    assert kept.measured == [(0, 0, A)]
    assert (kept.status, kept.failures) == ("failed", [(None, "engine", 0)])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_was_measured(bench: Bench, number: int) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match="what was measured is kept"):
        bench.execute(plan(A, B, launches=2), prints(ENVIRONMENT, measured(A), interrupt, FOREVER))
    kept = bench.read()
    assert kept.measured == [(0, 0, A)]
    assert (kept.status, kept.failures) == ("interrupted", [])
    assert kept.launches == [(0, 0, "interrupted")]
    assert bench.engine.launches[0].kills == 1


def test_a_database_that_fails_ends_the_run(bench: Bench) -> None:
    def spoil() -> None:
        connection = sqlite3.connect(bench.url.removeprefix("sqlite:///"))
        connection.execute("DROP TABLE measurements")
        connection.close()

    with pytest.raises(DatabaseFailure, match="no such table") as ended:
        bench.execute(plan(A), prints(ENVIRONMENT, spoil, measured(A)))
    assert ended.value.exit_code == 6
    assert bench.engine.launches[0].kills == 1


LAUNCH = """
import sys
said = {said!r}
cases = [word.removeprefix("--case=") for word in sys.argv[1:]]
for word in ("begin", *cases, "end"):
    sys.stdout.buffer.write(said[word])
sys.stderr.write("measured all\\n")
"""


def test_a_run_on_real_processes(bench: Bench, tmp_path: Path) -> None:
    package = tmp_path / "workloads"
    package.mkdir()
    (package / "__init__.py").touch()
    said = {"begin": lines(environment()), "end": lines(finished(2))}
    said |= {case: measured(case, [0.25, 0.5]) for case in (A, B)}
    (package / "launch.py").write_text(LAUNCH.format(said=said))
    setup = Setup(engine=ProcessEngine(tmp_path), image=None)
    bench.execute_on(plan(A, B, launches=2), setup)
    kept = bench.read()
    assert kept.failures == []
    assert kept.measured == [(0, 0, A), (0, 0, B), (1, 0, A), (1, 0, B)]
    with Reader(bench.url) as reader:
        launch = reader.launches("latest")[1]
    assert (launch.log, launch.exit_code) == ("measured all\n", 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workload", "dense"),
        ("phase", "forward"),
        ("dtype", "bf16"),
        ("parameters", {"m": 1, "k": 256, "n": 256}),
        ("flops", 1.0),
        ("bytes", 1.0),
        ("numerics_tolerance", 99.0),
        ("numerics_error", 0.5),
    ],
)
def test_a_measurement_that_is_not_the_catalogue_s_is_never_stored(
    bench: Bench, name: str, value: Any
) -> None:
    bench.execute(plan(A, B), prints(ENVIRONMENT, measured(A, **{name: value}), measured(B)))
    kept = bench.read()
    assert kept.measured == [(0, 0, B)]
    [(case, kind, _), *_] = kept.failures
    assert (case, kind) == (A, "bad_record")


def test_what_the_image_says_of_itself_is_kept(bench: Bench) -> None:
    made_of = Ingredients(dockerfile_sha256="d", requirements_sha256="r")
    image = Image(digest="sha256:i", tag="jaxrig/cpu:i")
    bench.execute_on(plan(A), Setup(engine=FakeEngine(well), image=image, made_of=made_of))
    with sqlite3.connect(bench.url.removeprefix("sqlite:///")) as connection:
        query = "SELECT dockerfile_sha256, requirements_sha256, packages IS NULL FROM images"
        assert connection.execute(query).fetchall() == [("d", "r", 0)]


def test_the_profiler_has_a_launch_of_its_own_after_all_that_are_timed(bench: Bench) -> None:
    result = bench.execute(replace(plan(A, B, launches=2), profiled=True))
    asked = ["--profile" in spec.command for spec in bench.engine.specs]
    assert asked == [False, False, True]
    kept = bench.read()
    assert kept.status == "done"
    assert kept.measured == [(0, 0, A), (0, 0, B), (1, 0, A), (1, 0, B)]
    assert kept.launches[-1] == (2, 0, "done")
    with Reader(bench.url) as reader:
        run, profiles = reader.run(result.name), reader.profiles(result.name)
    assert run.launches_planned == 2
    assert [(each.case, each.launch, each.calls) for each in profiles] == [(A, 2, 4), (B, 2, 4)]
    assert profiles[0].operations[0] == {"name": "dot.1", "count": 4, "seconds": 0.5}
    told = [each for each in bench.watcher.events if each.startswith("profiled")]
    assert told == [f"profiled {A}", f"profiled {B}"]


def test_only_what_was_timed_is_profiled(bench: Bench) -> None:
    def script(spec: LaunchSpec) -> Script:
        if "--profile" in spec.command:
            return well(spec)
        told = [lines(started(A), failure(A)), lines(started(B), skipped(B)), measured(C)]
        return Script([ENVIRONMENT, *told, line(finished(1))])

    result = bench.execute(replace(plan(A, B, C), profiled=True), script)
    assert cases_in(bench.engine.specs[-1]) == (C,)
    with Reader(bench.url) as reader:
        assert [each.case for each in reader.profiles(result.name)] == [C]
    assert result.failures == 1


def test_where_nothing_was_timed_nothing_is_profiled(bench: Bench) -> None:
    bench.execute(replace(plan(A), profiled=True), prints(code=1))
    assert len(bench.engine.specs) == 1


def test_a_profile_that_fails_is_a_failure_and_keeps_what_was_timed(bench: Bench) -> None:
    def script(spec: LaunchSpec) -> Script:
        if "--profile" not in spec.command:
            return well(spec)
        return Script([ENVIRONMENT, lines(started(A), failure(A)), line(finished(0))])

    result = bench.execute(replace(plan(A), profiled=True), script)
    kept = bench.read()
    assert (kept.status, result.failures, result.measurements) == ("failed", 1, 1)
    assert kept.failures == [(A, "raised", 1)]
