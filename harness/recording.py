"""A pytest session that is recorded as a run: the plugin's work, where it is asked for.

It runs in the user's process, and changes nothing about the session. What a benchmark measured is
read as pytest-benchmark would write it to a file, and kept as soon as its test has ended: a session
that is killed keeps what it measured. All that is needed is loaded before anything is timed.
"""

import json
import platform
import resource
import statistics
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions
from typing import Any

import pytest
from pydantic_core import from_json

from containers import owner
from harness import __version__, noise
from harness.cli.words import database
from harness.errors import JaxrigError, UsageError
from harness.exchange import pytest_benchmark
from harness.exchange.cleaned import LONGEST_CASE, printable
from harness.exchange.foreign import ForeignMeasurement
from harness.exchange.reading import Document
from harness.git import describe
from harness.machine import host_software, this_machine
from harness.records import BadRecord, Benchmark, parse
from harness.runner.run import close_abandoned
from harness.store.writer import Store

TARGET = "pytest"
PLATFORM = "unknown"
ISOLATION = "process"

_LONGEST = timedelta(days=7)
_FIXTURE = "benchmark"
_COUNTERS = {
    "minor_faults": "ru_minflt",
    "major_faults": "ru_majflt",
    "voluntary_switches": "ru_nvcsw",
    "involuntary_switches": "ru_nivcsw",
}


class Recording:
    """Raises `UsageError` where nothing would be measured, and `DatabaseFailure`."""

    def __init__(self, config: pytest.Config, url: str) -> None:
        database(url, option="--jaxrig-db")
        disabled = _why_disabled(config)
        if disabled is not None:
            raise UsageError(f"--jaxrig-db: {disabled}")
        from pytest_benchmark.fixture import BenchmarkFixture

        self._config = config
        self._store = Store(url)
        self._kind: type[Any] = BenchmarkFixture
        self._fixture: Any = None  # of the test that runs, where it asked for it
        self._name: str | None = None
        self._run = self._launch = -1
        self._before: noise.Snapshot | None = None
        self._use: dict[str, Any] = {}
        self._entry: dict[str, Any] | None = None
        self._kept: set[str] = set()
        self._failed = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        cases = dict.fromkeys(_case(item) for item in session.items if _declares(item))
        if cases and not self._config.option.collectonly:
            _guarded(lambda: self._begin(list(cases)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._fixture = self._entry = None

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        """Also of one that a test asks for as it runs, and of one that another fixture wraps."""
        made = yield
        if isinstance(made, self._kind):
            self._fixture = made
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        machine_before = _snapshot() if _declares(item) else None
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        try:
            return (yield)
        finally:
            timed_s = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_SELF)
            self._use = {
                name: getattr(after, field) - getattr(before, field)
                for name, field in _COUNTERS.items()
            } | {"timed_s": timed_s, "steal_s": _steal_s(machine_before)}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield  # the outermost: whether it was expected to fail is told by now
        if _declares(item) or self._fixture is not None:
            _guarded(lambda: self._reported(_case(item), call, report))
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            try:
                if self._name is not None:
                    _guarded(lambda: self._end(exitstatus))
            finally:
                self._store.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        told = f"{len(self._kept)} benchmarks are kept as run {self._name}"
        if self._name is None:
            told = "there was no benchmark to keep"
        terminalreporter.write_line(f"jaxrig: {told}")

    def _begin(self, cases: list[str]) -> None:
        close_abandoned(self._store)
        commit, dirty = describe(self._config.rootpath)
        self._run, self._name = self._store.begin_run(
            machine=this_machine(),
            image=None,
            target=TARGET,
            platform=PLATFORM,
            isolation=ISOLATION,
            suite=f"own:{self._config.rootpath.name}",
            cases=cases,
            launches_planned=1,
            tags={},
            git_commit=commit,
            git_dirty=dirty,
            jaxrig_version=__version__,
            owner=owner.this_process(),
            deadline_at=datetime.now(UTC) + _LONGEST,
        )
        self._launch = self._store.begin_launch(self._run, index=0, part=0, limits={}, env={})
        self._store.set_facts(self._launch, _software() | host_software())
        self._before = _snapshot()

    def _end(self, exitstatus: int) -> None:
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        status = ("failed" if self._failed else "done") if ended else "interrupted"
        before, after = self._before, _snapshot()
        meanwhile = noise.between(before, after).as_dict() if before and after else None
        self._store.end_launch(
            self._launch, status=status, exit_code=int(exitstatus), noise=meanwhile, log=""
        )
        self._store.end_run(self._run, status)

    def _reported(self, case: str, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        if self._name is None:  # of no test was it known before
            self._begin([case])
        if report.failed:
            self._keep(case)  # where it is the teardown that failed
            self._fail(case, _account(call, report))
        elif report.skipped:
            self._entry = None
            self._skip(case, _why_skipped(report))
        elif report.when == "call":
            self._take(case)
        elif report.when == "teardown":  # what the suite adds to extra_info, it has added
            self._keep(case)

    def _take(self, case: str) -> None:
        fixture = self._fixture
        if fixture is None:
            self._skip(case, f"its `{_FIXTURE}` fixture is not pytest-benchmark's")
        elif fixture.stats is None:
            self._skip(case, f"it passed without a call of its `{_FIXTURE}` fixture")
        elif fixture.has_error:
            self._fail(case, "what it benchmarks raised, and the test caught that")
        elif case in self._kept:
            self._skip(case, "it was run again; what was measured first is kept")
        else:
            self._entry = {"stats": fixture.stats, **self._use}

    def _keep(self, case: str) -> None:
        entry, self._entry = self._entry, None
        if entry is None:
            return
        try:
            record = _record(_as_in_a_file(entry.pop("stats")), entry)
        except (BadRecord, ValueError) as error:
            self._fail(case, f"what it measured cannot be kept: {error}")
            return
        self._store.add_measurement(self._launch, record)
        self._kept.add(case)

    def _skip(self, case: str, why: str) -> None:
        self._store.add_skip(self._launch, case, why)

    def _fail(self, case: str, message: str) -> None:
        self._store.add_failure(self._run, self._launch, case, "raised", message)
        self._failed += 1


def _as_in_a_file(stats: Any) -> ForeignMeasurement:
    """What pytest-benchmark (which has no annotations) holds of a benchmark, in the neutral form.
    Raises `ValueError`."""
    from pytest_benchmark import utils

    dumps: Callable[[Any], str] = utils.safe_dumps
    data = list(stats.stats.data)
    told = {"data": data, "rounds": len(data), "iterations": stats.iterations}
    entry = stats.as_dict(stats=False) | {"stats": told | {"median": statistics.median(data)}}
    now = datetime.now(UTC).isoformat()
    file = {"machine_info": {}, "benchmarks": [entry], "datetime": now}
    content = from_json(dumps(file))
    (launch,) = pytest_benchmark.read(Document(content=content, digest="")).launches
    return launch.measurements[0]


def _record(told: ForeignMeasurement, use: dict[str, Any]) -> Benchmark:
    """Raises `BadRecord`."""
    record = {
        "schema": 2,
        "kind": "benchmark",
        "case": told.case,
        "group": told.group,
        "parameters": told.parameters,
        "extra_info": told.extra_info,
        "samples_s": told.samples_s,
        "calls_per_round": told.calls_per_round,
        "options": told.options,
        "platform": None,
        "peak_rss_bytes": None,  # the process has one peak, which may be another test's
        **use,
        "warnings": told.warnings,
    }
    found = parse(json.dumps(record).encode())
    assert isinstance(found, Benchmark)  # noqa: S101 - as its kind says
    return found


def _software() -> dict[str, Any]:
    found = {each.metadata["Name"]: each.version for each in distributions()}
    packages = {name: version for name, version in sorted(found.items()) if name}
    return {"python": platform.python_version(), "packages": packages}


def _case(item: pytest.Item) -> str:
    return printable(item.nodeid, LONGEST_CASE)


def _declares(item: pytest.Item) -> bool:
    """Whether a test names pytest-benchmark's fixture, itself or through another fixture."""
    return _FIXTURE in getattr(item, "fixturenames", ())


def _snapshot() -> noise.Snapshot | None:
    """None where the machine tells nothing of the kind."""
    try:
        return noise.snapshot()
    except (LookupError, OSError, ValueError):
        return None


def _steal_s(before: noise.Snapshot | None) -> float | None:
    after = None if before is None else _snapshot()
    return None if before is None or after is None else max(0.0, after.steal_s - before.steal_s)


def _why_disabled(config: pytest.Config) -> str | None:
    """Why pytest-benchmark would time nothing; None where it would."""
    if not config.pluginmanager.hasplugin("pytest-benchmark"):
        return "pytest-benchmark is not there: install it, or take -p no:benchmark away"
    if config.getoption("dist", "no") != "no" or config.getoption("numprocesses", None):
        return "nothing can be timed side by side; take pytest-xdist's -n or --dist away"
    if config.getoption("benchmark_disable") and not config.getoption("benchmark_enable"):
        return "benchmarks are disabled; take --benchmark-disable away"
    return None


def _account(call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    """The error, then pytest's account of it."""
    if call.excinfo is None:
        return report.longreprtext
    return f"{call.excinfo.exconly()}\n{report.longreprtext}"


def _why_skipped(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}".removesuffix(": ")
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")


def _guarded(work: Callable[[], None]) -> None:
    """Ends the session where recording cannot go on: going on would be for nothing."""
    try:
        work()
    except JaxrigError as error:
        pytest.exit(f"jaxrig: {error}", returncode=error.exit_code)
    except Exception as error:
        told = f"jaxrig cannot record this session ({type(error).__name__}: {error})"
        pytest.exit(f"{told}; take --jaxrig-db away", returncode=pytest.ExitCode.INTERNAL_ERROR)
