"""A session of pytest-benchmark, recorded as a run: in the user's process, as it goes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.exchange.formats import read
from harness.machine import this_machine
from harness.store.reader import Reader
from tests.checkout import ROOT

SUITE = """
import os, signal, sys
import pytest


def test_plain():
    pass


def test_plain_and_wrong():
    assert os.environ.get("WRONG") is None


@pytest.mark.benchmark(group="sums")
@pytest.mark.parametrize("n", [1, 2])
def test_sum(benchmark, n):
    benchmark.pedantic(sum, args=([n],), rounds=5, iterations=3)
    benchmark.extra_info["n"] = n


def test_broken(benchmark):
    if os.environ.get("WRONG"):
        benchmark(lambda: 1 / 0)
    else:
        pytest.skip("not today")


def test_modules(benchmark):
    before = set(sys.modules)
    benchmark.pedantic(sum, args=([1],), rounds=1)
    benchmark.extra_info["loaded"] = sorted(
        name for name in set(sys.modules) - before if name.startswith(("numpy", "sqlalchemy"))
    )


def test_end(benchmark):
    if os.environ.get("END"):
        os.kill(os.getpid(), int(os.environ["END"]))
    benchmark.pedantic(sum, args=([1],), rounds=2)
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "test_small.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return folder


PYTEST = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
"""
"""Who is started in the background ignores SIGINT, and so do those whom it starts; a suite that
somebody sits before does not."""


def pytest_in(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """pytest finds the plugin by itself."""
    return subprocess.run(
        [sys.executable, "-c", PYTEST, "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_sample_of_a_session_is_kept(suite: Path, url: str) -> None:
    done = pytest_in(suite, "--jaxrig-db", url, "--benchmark-json=own.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jaxrig: 4 benchmarks are kept as run " in done.stdout
    (copy,) = read(suite / "own.json")
    with Reader(url) as reader:
        run, (launch,), (skip,) = (
            reader.run("latest"),
            reader.launches("latest"),
            reader.skips("latest"),
        )
        rows = reader.measurements("latest")
    assert (run.status, run.target, run.isolation, run.suite) == (
        "done",
        "pytest",
        "process",
        "own:bench",
    )
    assert run.machine == this_machine().fingerprint
    assert (launch.status, launch.exit_code) == ("done", 0)
    assert launch.environment is not None
    assert "pytest-benchmark" in launch.environment["packages"]
    assert skip.case == "test_small.py::test_broken"
    wanted = {each.case: each for each in copy.launches[0].measurements}
    assert set(rows["case"]) == set(wanted)
    for _, row in rows.iterrows():
        each = wanted[row["case"]]
        assert tuple(row["samples_s"]) == each.samples_s
        assert row["calls_per_round"] == each.calls_per_round
        assert row["parameters"] == each.parameters
        assert row["benchmark_group"] == each.group or each.group is None
        assert (row["extra_info"] or {}) == each.extra_info
    assert rows.set_index("case").loc["test_small.py::test_modules", "extra_info"] == {"loaded": []}


def test_a_failure_is_kept_and_changes_no_outcome(suite: Path, url: str) -> None:
    done = pytest_in(suite, "--jaxrig-db", url, WRONG="1")
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    with Reader(url) as reader:
        run, (failure,) = reader.run("latest"), reader.failures("latest")
    assert (run.status, run.measurements) == ("failed", 4)
    assert (failure.case, failure.kind) == ("test_small.py::test_broken", "raised")
    assert "ZeroDivisionError" in failure.message


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, "running"), (signal.SIGINT, "interrupted")]
)
def test_what_was_measured_before_a_session_ends_early_is_kept(
    suite: Path, url: str, number: int, status: str
) -> None:
    pytest_in(suite, "--jaxrig-db", url, END=str(int(number)))
    with Reader(url) as reader:
        run, rows = reader.run("latest"), reader.measurements("latest")
    assert run.status == status
    assert list(rows["rounds"]) == [5, 5, 1]


def test_a_session_without_benchmarks_is_no_run(suite: Path, url: str) -> None:
    done = pytest_in(suite, "--jaxrig-db", url, "-k", "plain")
    assert "there was no benchmark to keep" in done.stdout
    assert pytest_in(suite, "--jaxrig-db", url, "--collect-only").returncode == 0
    with Reader(url) as reader:
        assert reader.runs() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--jaxrig-db", "postgresql://u:secret@h/x"], "--jaxrig-db postgresql://u:***@h/x holds"),
        (["--jaxrig-db", "sqlite:///nowhere/x.db"], "check the folder"),
        (["--jaxrig-db", "sqlite:///x.db", "-p", "no:benchmark"], "pytest-benchmark is not there"),
        (["--jaxrig-db", "sqlite:///x.db", "--benchmark-disable"], "benchmarks are disabled"),
    ],
)
def test_what_would_measure_nothing_is_refused(
    suite: Path, words: list[str], complaint: str
) -> None:
    done = pytest_in(suite, *words)
    told = done.stdout + done.stderr
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, told
    assert complaint in told
    assert "Traceback" not in told
    assert not (suite / "x.db").exists()


def test_it_loads_nothing_unless_it_is_asked() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import harness.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['harness', 'harness.pytest_plugin']"


def test_a_session_that_does_not_ask_is_left_alone(suite: Path) -> None:
    done = pytest_in(suite, "-k", "plain")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jaxrig" not in done.stdout
    assert sorted(path.name for path in suite.iterdir() if path.suffix) == [
        "pytest.ini",
        "test_small.py",
    ]
