"""A whole run: what reaches the store, when, and how the run ends."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from containers import owner
from containers.engine import Exit
from containers.errors import EngineUnavailable, LaunchRefused
from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from harness.config import Target
from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted, UsageError
from harness.own import OwnSuite
from harness.plan import Launch, Plan
from harness.runner import run as runner
from harness.runner.run import Result, check_environment, execute
from harness.runner.setup import Setup
from harness.store.reader import Reader, Skip
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.fakes import FOREVER, FakeEngine, Script, Step, Watcher, cases_in
from tests.harness.history import begin_run
from tests.harness.samples import (
    A,
    B,
    C,
    benchmark,
    collected,
    environment,
    failure,
    finished,
    line,
    lines,
    measured,
    parsed_environment,
    skipped,
    started,
)
from workloads.case import Case
from workloads.catalog import find

TARGET = Target(platform="cpu", dockerfile=Path("cpu.Dockerfile"), cpus="0", env={"X": "y"})
ENVIRONMENT = line(environment())


def plan(*cases: str, launches: int = 1, **changes: Any) -> Plan:
    return Plan(
        target_name="cpu",
        target=TARGET.model_copy(update=changes),
        suite="quick",
        isolation="process",
        launches=tuple(Launch(index=i, part=0, cases=cases) for i in range(launches)),
        tags=MappingProxyType({"night": "1"}),
    )


def well(spec: LaunchSpec) -> Script:
    """A launch that measures all it is asked to."""
    cases = cases_in(spec)
    return Script([ENVIRONMENT, *map(measured, cases), line(finished(len(cases)))], log="well\n")


def prints(*steps: Step, code: int = 0, log: str = "") -> Callable[[LaunchSpec], Script]:
    """Launches that all do the same, whatever they are asked for."""
    return lambda _: Script(steps, Exit(code=code, out_of_memory=False), log)


class Bench:
    """Runs plans on a scripted engine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: Store, url: str) -> None:
        self._monkeypatch = monkeypatch
        self.store = store
        self.url = url
        self.watcher = Watcher()
        self.engine = FakeEngine(well)

    def execute(self, plan: Plan, script: Callable[[LaunchSpec], Script] = well) -> Result:
        self.engine = FakeEngine(script)
        return self.execute_on(plan, Setup(engine=self.engine, image=None, own_folder="/own/bench"))

    def execute_on(self, plan: Plan, setup: Setup) -> Result:
        self._monkeypatch.setattr(runner, "set_up", lambda *_: setup)
        return execute(plan, self.store, self.watcher)

    def read(self) -> "Kept":
        with Reader(self.url) as reader:
            frame = reader.measurements("latest")
            return Kept(
                status=reader.run("latest").status,
                measured=list(zip(frame["launch"], frame["part"], frame["case"], strict=True)),
                failures=[(x.case, x.kind, x.launch) for x in reader.failures("latest")],
                messages=[x.message for x in reader.failures("latest")],
                launches=[(x.launch, x.part, x.status) for x in reader.launches("latest")],
            )


class Kept:
    """What the database holds of the newest run."""

    def __init__(
        self,
        *,
        status: str,
        measured: list[tuple[int, int, str]],
        failures: list[tuple[str | None, str, int | None]],
        messages: list[str],
        launches: list[tuple[int, int, str]],
    ) -> None:
        self.status = status
        self.measured = measured
        self.failures = failures
        self.messages = messages
        self.launches = launches


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, store: Store, url: str) -> Bench:
    return Bench(monkeypatch, store, url)


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
    result = bench.execute(plan(A, B, memory=1 << 30, launch_limit_s=77.0))
    (spec,) = bench.engine.specs
    assert spec.command == ("-m", "workloads.launch", "--case", A, "--case", B)
    assert spec.env == {"X": "y"}
    assert spec.limits.memory_bytes == 1 << 30
    assert spec.labels == {"jaxrig.run": result.name, "jaxrig.launch": "0"}
    assert spec.deadline_s == 77.0
    assert bench.engine.launches[0].kills == 1  # left as a context manager


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
    monkeypatch.setattr("harness.runner.run.find", find_with_devices)
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
cases = [word for word in sys.argv[1:] if word != "--case"]
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


OWN_A_RUN = """
import sys
from harness.store.writer import Store
from tests.harness.history import begin_run
store = Store(sys.argv[1])
run, _ = begin_run(store)
store.begin_launch(run, index=0, part=0, limits={}, env={})
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def owner_of_a_run(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun a run and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", OWN_A_RUN, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_run_whose_process_was_killed_is_closed_by_the_next_one(bench: Bench) -> None:
    with owner_of_a_run(bench.url) as dead, owner_of_a_run(bench.url):
        elsewhere, _ = begin_run(bench.store, owner="another-boot/4026531836/1/1")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        bench.execute(plan(A))
        with Reader(bench.url) as reader:
            runs = reader.runs()[::-1]
            killed, living, foreign, this = (run.status for run in runs)
            assert (killed, living, foreign, this) == ("interrupted", "running", "running", "done")
            assert reader.launches(runs[0].run)[0].status == "interrupted"
            assert reader.launches(runs[1].run)[0].status == "running"
    assert elsewhere in [each.id for each in bench.store.open_runs()]


def test_a_run_that_must_be_over_is_closed_wherever_it_was(bench: Bench) -> None:
    """After a power cut nobody can ask for its process: the time it may take decides."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    begin_run(bench.store, owner="another-boot/4026531836/1/1", deadline_at=past)
    bench.execute(plan(A))
    with Reader(bench.url) as reader:
        assert [run.status for run in reader.runs()] == ["done", "interrupted"]


def test_the_right_platform_on_this_machine_is_accepted() -> None:
    check_environment("cpu", TARGET, parsed_environment(boot_id=owner.boot_id()))
    check_environment("cpu", TARGET, parsed_environment(boot_id=None))


@pytest.mark.parametrize(
    ("platform", "found", "advice"),
    [
        ("cuda", "cpu", "nvidia-smi"),
        ("cuda", "cpu", "NVIDIA Container Toolkit"),
        ("cuda", "cpu", "gpus = true"),
        ("cpu", "cuda", 'JAX_PLATFORMS = "cpu"'),
        ("tpu", "metal", "nothing was recorded"),
    ],
)
def test_the_wrong_platform_is_refused_with_the_way_out(
    platform: str, found: str, advice: str
) -> None:
    target = TARGET.model_copy(update={"platform": platform})
    with pytest.raises(EnvironmentFailure) as refused:
        check_environment("mine", target, parsed_environment(platform=found))
    message = str(refused.value)
    assert f"target mine is for platform {platform}, but JAX found {found} (cpu)" in message
    assert advice in message


def test_an_engine_on_another_machine_is_refused() -> None:
    with pytest.raises(EnvironmentFailure, match=r"DOCKER_HOST.*another machine"):
        check_environment("cpu", TARGET, parsed_environment(boot_id="another"))


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


def test_only_one_s_own_can_do_without_jax() -> None:
    without = parsed_environment(platform="none", jax=None, jaxlib=None, device_kinds=[])
    check_environment("cpu", TARGET, without, own=True)
    with pytest.raises(EnvironmentFailure, match="JAX found none"):
        check_environment("cpu", TARGET, without)
    with_jax = parsed_environment(platform="none", device_kinds=["no plugin"])
    with pytest.raises(EnvironmentFailure, match="no plugin"):
        check_environment("cpu", TARGET, with_jax, own=True)
