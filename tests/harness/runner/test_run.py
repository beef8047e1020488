"""A whole run: what reaches the store, when, and how the run ends."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from containers import owner
from containers.engine import Exit
from containers.errors import EngineUnavailable, LaunchRefused
from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from harness.errors import DatabaseFailure, EnvironmentFailure, Interrupted
from harness.runner.run import check_environment
from harness.runner.setup import Setup
from harness.store.reader import Reader
from tests.checkout import ROOT
from tests.harness.fakes import FOREVER, Script, cases_in
from tests.harness.history import begin_run
from tests.harness.runner.bench import ENVIRONMENT, TARGET, Bench, plan, prints, well
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
    parsed_environment,
    started,
)


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
