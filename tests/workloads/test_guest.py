"""Suites of one's own in launches of their own: what is told of them, and what they notice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import records
from tests.checkout import ROOT
from workloads.guest import NO_SETTINGS, settings_of

TESTS = """
import json, os, sys, time
import pytest
import workloads.mine  # a package of its own that is called as ours

def test_called(benchmark): benchmark(sum, [1, 2])

@pytest.mark.benchmark(group="g", timer=time.process_time)
@pytest.mark.parametrize("n", [1, "two words"])
def test_pedantic(benchmark, n):
    benchmark.pedantic(sum, setup=lambda: (([1],), {}), rounds=3)
    benchmark.extra_info.update(n=n, bad=float("nan"))

@pytest.fixture
def adds_at_its_end(benchmark):
    yield
    benchmark.extra_info["end"] = True

def test_late(benchmark, adds_at_its_end): benchmark.pedantic(sum, args=([],), rounds=2)

@pytest.fixture
def ends_badly():
    yield
    raise OSError("bad end")

def test_bad_end(benchmark, ends_badly): benchmark.pedantic(sum, args=([],), rounds=2)

def test_woven(benchmark_weave, benchmark): benchmark.pedantic(sum, args=([],), rounds=2)

class TestOld(__import__("unittest").TestCase):
    @pytest.fixture(autouse=True)
    def take(self, benchmark): self.benchmark = benchmark
    def test_old(self): self.benchmark.pedantic(sum, args=([],), rounds=2)

def test_wrong(benchmark): assert benchmark.pedantic(sum, args=([],), rounds=2) == 1
def test_raising(benchmark): benchmark(sum, 3)
def test_greedy(benchmark): raise MemoryError

def test_swallowing(benchmark):
    with pytest.raises(TypeError):
        benchmark.pedantic(sum, args=(3,), rounds=2)

def test_stopped_clock(benchmark):
    benchmark._timer = lambda: 1.0
    benchmark.pedantic(sum, args=([],), rounds=2)

@pytest.mark.xfail(reason="known")
def test_known(benchmark): raise ValueError
@pytest.mark.skip(reason="not today")
def test_skipped(benchmark): pass
def test_unused(benchmark): pass
def test_plain(): raise AssertionError("not to be run")

def test_loud(benchmark):
    print("printed by Python")
    os.system("echo printed by a child")
    benchmark.pedantic(sum, args=([],), rounds=2)

def test_sight(benchmark):
    benchmark.pedantic(sum, args=([],), rounds=2)
    benchmark.extra_info.update(
        modules=[name for name in sys.modules if name.startswith("workloads")],
        ours=[path for path in sys.path if path == OURS],
        variable=os.environ.get("PYTHONPATH", ""),
        cwd=os.getcwd(),
        mask=len(__import__("signal").pthread_sigmask(0, ())),
        jax="jax" in sys.modules,
    )
"""

SETTINGS = """
[pytest]
addopts = -x --benchmark-min-rounds=2 --benchmark-max-time=0.001 --benchmark-autosave
    --benchmark-json=out.json --benchmark-compare-fail=min:1% --benchmark-compare
"""

SETTLED = {
    "test_wrong": "AssertionError: assert 0 == 1",
    "test_raising": "TypeError: 'int' object is not iterable",
    "test_swallowing": "what it benchmarks raised, and the test caught that",
    "test_stopped_clock": "2 of 2 samples are not times above zero",
}


def guest(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "workloads.guest", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        check=False,
    )


def parsed(done: subprocess.CompletedProcess[bytes]) -> list[records.Record]:
    return [records.parse(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    above = tmp_path_factory.mktemp("above")
    (above / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (above / "conftest.py").write_text("raise AssertionError('not of this suite')\n")
    folder = above / "suite"
    (folder / "workloads").mkdir(parents=True)
    (folder / "workloads" / "__init__.py").touch()
    (folder / "workloads" / "mine.py").touch()
    (folder / "pytest.ini").write_text(SETTINGS)
    (folder / "test_all.py").write_text(TESTS.replace("OURS", repr(str(ROOT))))
    (folder / "test_broken.py").write_text("import no_such_module\n")
    return folder


@pytest.fixture(scope="module")
def collected(folder: Path) -> records.Collected:
    [record] = parsed(guest("--root", str(folder), "--collect"))
    assert isinstance(record, records.Collected)
    return record


@pytest.fixture(scope="module")
def measured(folder: Path, collected: records.Collected) -> subprocess.CompletedProcess[bytes]:
    cases = [*collected.benchmarks, *collected.others, "test_all.py::test_gone"]
    return guest(
        *("--root", str(folder), *(f"--case={case}" for case in cases)),
        PYTEST_ADDOPTS="--benchmark-disable",
    )


@pytest.fixture(scope="module")
def found(measured: subprocess.CompletedProcess[bytes]) -> dict[str, list[records.Record]]:
    """Records by test, without the file's name; what is of no test under its kind."""
    by_test: dict[str, list[records.Record]] = {}
    for record in parsed(measured):
        name = getattr(record, "case", record.kind)
        by_test.setdefault(name.removeprefix("test_all.py::"), []).append(record)
    return by_test


def benchmark(found: dict[str, list[records.Record]], name: str) -> records.Benchmark:
    [record] = [each for each in found[name] if isinstance(each, records.Benchmark)]
    return record


def test_what_there_is_is_told_and_nothing_is_run(collected: records.Collected) -> None:
    assert "test_all.py::test_pedantic[two words]" in collected.benchmarks
    assert "test_all.py::TestOld::test_old" in collected.benchmarks
    assert "test_all.py::test_woven" in collected.benchmarks
    assert collected.others == ["test_all.py::test_plain"]
    [failure] = collected.failures
    assert failure.case == "test_broken.py"
    assert failure.message.startswith("ModuleNotFoundError: No module named 'no_such_module'\n")


def test_every_wanted_test_is_announced_and_settled_once(
    found: dict[str, list[records.Record]], collected: records.Collected
) -> None:
    for case in (*collected.benchmarks, *collected.others):
        kinds = [record.kind for record in found[case.removeprefix("test_all.py::")]]
        assert kinds[0] == "case_started"
        assert kinds[1:] in (["benchmark"], ["skipped"], ["failure"], ["benchmark", "failure"])
    [end] = found["finished"]
    assert isinstance(end, records.Finished)
    assert end.cases == sum(
        isinstance(record, records.Benchmark) for each in found.values() for record in each
    )


def test_benchmarks_arrive_as_pytest_benchmark_knows_them(
    found: dict[str, list[records.Record]],
) -> None:
    called = benchmark(found, "test_called")
    assert len(called.samples_s) >= 2
    assert called.options["mode"] == "benchmark(...)"
    assert called.options["min_rounds"] == 2
    pedantic = benchmark(found, "test_pedantic[two words]")
    assert (pedantic.group, pedantic.parameters) == ("g", {"n": "two words"})
    assert (len(pedantic.samples_s), pedantic.calls_per_round) == (3, 1)
    assert pedantic.extra_info == {"n": "two words", "bad": "nan"}
    assert pedantic.options["timer"] == "time.process_time"
    assert "extra_info.bad is no JSON (float); stored as text" in pedantic.warnings
    assert any("process_time" in each for each in pedantic.warnings)
    assert benchmark(found, "test_late").extra_info == {"end": True}
    assert benchmark(found, "TestOld::test_old").samples_s


def test_failures_have_their_kind_and_begin_with_the_error(
    found: dict[str, list[records.Record]],
) -> None:
    for name, words in SETTLED.items():
        failure = found[name][1]
        assert isinstance(failure, records.Failure)
        assert (failure.failure, failure.message[: len(words)]) == ("raised", words)
    greedy = found["test_greedy"][1]
    assert isinstance(greedy, records.Failure)
    assert greedy.failure == "out_of_memory"


def test_a_bad_end_follows_the_measurement(found: dict[str, list[records.Record]]) -> None:
    assert len(benchmark(found, "test_bad_end").samples_s) == 2
    failure = found["test_bad_end"][2]
    assert isinstance(failure, records.Failure)
    assert failure.message.startswith("OSError: bad end\n")


def test_what_is_not_measured_says_why(found: dict[str, list[records.Record]]) -> None:
    reasons = {
        name: record.reason
        for name, each in found.items()
        for record in each
        if isinstance(record, records.Skipped)
    }
    assert reasons == {
        "test_known": "expected to fail: known",
        "test_skipped": "not today",
        "test_unused": "it passed without a call of its `benchmark` fixture",
        "test_plain": "no benchmark: it does not use the `benchmark` fixture",
    }


def test_an_id_that_is_not_found_again_is_a_failure(
    found: dict[str, list[records.Record]],
) -> None:
    failure = found["test_gone"][1]
    assert isinstance(failure, records.Failure)
    assert "differs between processes" in failure.message


def test_the_suite_sees_nothing_of_ours(
    found: dict[str, list[records.Record]], folder: Path
) -> None:
    sight = benchmark(found, "test_sight").extra_info
    assert sight["modules"] == ["workloads", "workloads.mine"]
    assert (sight["ours"], sight["variable"], sight["mask"]) == ([], "", 0)
    assert sight["cwd"] == str(folder)
    assert sight["jax"] is False  # a suite without JAX is measured without it
    assert benchmark(found, "test_sight").platform is None
    [environment] = found["environment"]
    assert isinstance(environment, records.Environment)
    assert environment.platform == "cpu"  # asked of a child


def test_its_folder_stays_as_it_is(
    measured: subprocess.CompletedProcess[bytes], folder: Path
) -> None:
    assert {path.name for path in folder.rglob("*")} == {
        *("workloads", "__init__.py", "mine.py"),
        *("pytest.ini", "test_all.py", "test_broken.py"),
    }


def test_stdout_carries_records_and_nothing_else(
    measured: subprocess.CompletedProcess[bytes],
) -> None:
    assert b"printed by" not in measured.stdout
    assert measured.returncode == 4


def test_a_suite_that_uses_jax_says_what_it_ran_on(tmp_path: Path) -> None:
    suite = tmp_path / "suite"  # without settings, below what is no part of it
    suite.mkdir()
    (tmp_path / "conftest.py").write_text("raise AssertionError('not of this suite')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (suite / "conftest.py").write_text(
        "import os\nos.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=3'\n"
    )
    (suite / "jax_test.py").write_text(
        "def test_it(benchmark):\n"
        "    import jax\n"
        "    benchmark.pedantic(jax.device_count, rounds=2)\n"
        "    benchmark.extra_info['devices'] = jax.device_count()\n"
    )
    done = guest("--root", str(suite), "--file=jax_test.py", "--case=jax_test.py::test_it")
    [record] = [each for each in parsed(done) if isinstance(each, records.Benchmark)]
    assert record.platform == "cpu"
    assert record.extra_info == {"devices": 3}  # it sets JAX up itself
    assert done.returncode == 0


def test_switched_off_benchmarks_are_told(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[pytest]\naddopts = --benchmark-disable\n")
    (tmp_path / "test_a.py").write_text("def test_a(benchmark): benchmark(len, [])\n")
    [record] = parsed(guest("--root", str(tmp_path), "--collect"))
    assert isinstance(record, records.Collected)
    [failure] = record.failures
    assert (record.benchmarks, failure.case) == ([], None)
    assert "--benchmark-disable" in failure.message


def test_without_a_case_it_is_a_usage_error(tmp_path: Path) -> None:
    done = guest("--root", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, b"")


def test_sigterm_ends_it(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import time\ndef test_a(benchmark): benchmark.pedantic(time.sleep, args=(60,))\n"
    )
    command = [sys.executable, "-m", "workloads.guest", "--root", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--case=test_a.py::test_a"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(2)]
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=5) == 128 + signal.SIGTERM
    assert isinstance(records.parse(lines[1]), records.CaseStarted)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("pytest.ini", "", True),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", True),
        ("pyproject.toml", "[tool.ruff]\n", False),
        ("tox.ini", "[pytest]\n", True),
        ("tox.ini", "[tox]\n", False),
        ("setup.cfg", "[tool:pytest]\n", True),
        ("setup.cfg", "[metadata]\nname = %x\n", False),
        (".pytest.ini", "[pytest]\n", False),
    ],
)
def test_the_settings_are_the_folder_s_own(
    tmp_path: Path, name: str, text: str, found: bool
) -> None:
    (tmp_path / name).write_text(text)
    assert settings_of(tmp_path) == (tmp_path / name if found else NO_SETTINGS)
