"""A session of pytest-benchmark, recorded as a run: in the user's process, as it goes."""

import signal
from pathlib import Path

import pytest

from harness.exchange.formats import read
from harness.machine import this_machine
from harness.store.reader import Reader
from tests.harness.sessions import pytest_in

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


def test_a_fixture_that_is_not_pytest_benchmark_s_is_a_skip(suite: Path, url: str) -> None:
    (suite / "conftest.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef benchmark():\n    return None\n"
    )
    (suite / "test_small.py").write_text("def test_own(benchmark):\n    pass\n")
    done = pytest_in(suite, "--jaxrig-db", url)
    assert done.returncode == 0, done.stdout + done.stderr
    with Reader(url) as reader:
        (skip,), run = reader.skips("latest"), reader.run("latest")
    assert (run.status, skip.case) == ("done", "test_small.py::test_own")
    assert skip.reason == "its `benchmark` fixture is not pytest-benchmark's"


DYNAMIC = """
import pytest


@pytest.fixture
def timed(benchmark):
    return lambda work: benchmark.pedantic(work, rounds=2)


def test_through_another(timed):
    timed(list)


def test_asked_for_as_it_runs(request):
    request.getfixturevalue("benchmark").pedantic(list, rounds=3)


def test_none():
    pass
"""


@pytest.mark.parametrize("words", [(), ("-k", "asked_for")])
def test_however_a_test_comes_by_the_fixture(suite: Path, url: str, words: tuple[str, ...]) -> None:
    (suite / "test_small.py").write_text(DYNAMIC)
    done = pytest_in(suite, "--jaxrig-db", url, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    with Reader(url) as reader:
        (run,), rows = reader.runs(), reader.measurements("latest")
    found = dict(zip(rows["case"], rows["rounds"], strict=True))
    every = {
        "test_small.py::test_through_another": 2,
        "test_small.py::test_asked_for_as_it_runs": 3,
    }
    assert found == {case: every[case] for case in every if not words or "asked_for" in case}
    assert run.status == "done"


def test_a_case_that_comes_twice_is_kept_once(suite: Path, url: str) -> None:
    words = ("--keep-duplicates", "test_small.py", "test_small.py", "-k", "test_end")
    done = pytest_in(suite, "--jaxrig-db", url, *words)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    with Reader(url) as reader:
        (run,), (skip,) = reader.runs(), reader.skips("latest")
    assert (run.status, run.measurements) == ("done", 1)
    assert skip.reason == "it was run again; what was measured first is kept"


COUNTED = """
import harness.noise

calls = []
snapshot = harness.noise.snapshot


def counted():
    calls.append(None)
    {then}


harness.noise.snapshot = counted


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"snapshots: {{len(calls)}}")
"""


def test_the_machine_is_looked_at_around_benchmarks_alone(suite: Path, url: str) -> None:
    (suite / "conftest.py").write_text(COUNTED.format(then="return snapshot()"))
    done = pytest_in(suite, "--jaxrig-db", url, "-k", "plain or test_end")
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "snapshots: 3" in done.stdout  # at the session's start, and around one test


def test_a_machine_that_tells_nothing_breaks_no_session(suite: Path, url: str) -> None:
    (suite / "conftest.py").write_text(COUNTED.format(then="raise FileNotFoundError('/proc/stat')"))
    done = pytest_in(suite, "--jaxrig-db", url, "-k", "test_end")
    assert done.returncode == 0, done.stdout + done.stderr
    with Reader(url) as reader:
        rows, (launch,) = reader.measurements("latest"), reader.launches("latest")
    assert (list(rows["steal_s"]), launch.noise) == ([None], None)


@pytest.mark.parametrize(
    ("test", "code", "status", "told"),
    [
        ("raise ValueError('\\ud800\\0')", 1, "failed", "1 failed"),
        ("benchmark.extra_info['x'] = '\\ud800'", 0, "failed", "1 passed"),
        ("benchmark.extra_info['x'] = object()", 0, "done", "1 passed"),
        ("benchmark.stats = 3", 3, "interrupted", "cannot record this session (AttributeError: "),
    ],
)
def test_whatever_a_test_does_pytest_comes_to_its_own_end(
    suite: Path, url: str, test: str, code: int, status: str, told: str
) -> None:
    text = f"def test_odd(benchmark):\n    benchmark(list)\n    {test}\n"
    (suite / "test_small.py").write_text(text)
    done = pytest_in(suite, "--jaxrig-db", url, PYTHONUTF8="1")
    assert (done.returncode, "INTERNALERROR" in done.stdout) == (code, False), done.stdout
    assert told in done.stdout + done.stderr
    with Reader(url) as reader:
        assert reader.run("latest").status == status
