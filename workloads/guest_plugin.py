"""pytest plugins for a suite of one's own: what there is in it, and what its benchmarks measured.

The suite is measured as it stands. A case goes by pytest-benchmark's `fullname`, which is
pytest's node id. Nothing here imports JAX.
"""

import os
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from workloads import noise
from workloads.environment import started_platform
from workloads.failure import MESSAGE_CHARACTERS, failure_kind
from workloads.plain import plain_mapping, text_of
from workloads.stream import SCHEMA_VERSION

Send = Callable[[Mapping[str, Any]], None]

CASE_CHARACTERS = 512
"""Longest id of a case that the host takes."""

SAMPLES = 1_000_000
"""Most samples of a case that the host takes."""

WARNINGS = 10
WARNING_CHARACTERS = 500
"""Of what is said about values that JSON lacks."""

FIXTURE = "benchmark"
WALL_CLOCK = "time.perf_counter"

IN_TURNS = pytest.StashKey[bool]()
"""Whether a test's rounds wait each for its turn."""

OF_GPU = pytest.StashKey["OfGpu"]()
"""What is known of the GPUs that a test ran on."""

_NO_FILES: Mapping[str, Any] = {
    "benchmark_storage": f"file://{os.devnull}",  # it would make a folder, even for nothing
    "benchmark_save": None,
    "benchmark_autosave": None,
    "benchmark_json": None,
    "benchmark_csv": [],
    "benchmark_histogram": [],
    "benchmark_cprofile_dump": [],
    "benchmark_compare": [],
    "benchmark_compare_fail": None,
}
"""What a suite's own settings may have pytest-benchmark write or read: the results go to the
database, and where the suite lies may be read-only."""


@dataclass(frozen=True, kw_only=True)
class OfGpu:
    """`record`: as in the test's own; None where no GPU was watched."""

    record: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()


class Unmeasured(Exception):
    """A benchmark that ran but has no samples worth keeping, and why."""


class NoFiles:
    """Keeps pytest-benchmark from files. Its own `pytest_configure`, which reads the options,
    comes last."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        for name, value in _NO_FILES.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)


class Collector:
    """Sends what there is, as one `collected` record."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._failures: list[dict[str, str | None]] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._fail(report.nodeid or None, cause_first(report.longreprtext))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        kinds: dict[bool, list[str]] = {True: [], False: []}
        for item in {each.nodeid: each for each in session.items}.values():
            if acceptable(item.nodeid):
                kinds[is_benchmark(item)].append(item.nodeid)
            else:
                self._fail(item.nodeid, "its name is too long, or not printable: give it an id")
        disabled = why_disabled(session.config)
        if disabled is not None:
            kinds = {True: [], False: []}
            self._fail(None, disabled)
        self._send(
            {
                "schema": SCHEMA_VERSION,
                "kind": "collected",
                "benchmarks": kinds[True],
                "others": kinds[False],
                "failures": self._failures,
            }
        )

    def _fail(self, case: str | None, message: str) -> None:
        shown = case if case is None or acceptable(case) else ascii(case)[:CASE_CHARACTERS]
        self._failures.append({"case": shown, "message": message[:MESSAGE_CHARACTERS]})


@dataclass
class _Use:
    """What the body of a test took."""

    noise: noise.Reading
    timed_s: float
    peak_rss_bytes: int | None


@dataclass
class GuestRecorder:
    """Sends `case_started`, then `benchmark`, `skipped` or `failure` for each wanted test, and
    `finished` at the end. `in_order`: of `wanted`, else the suite's own."""

    send: Send
    wanted: Iterable[str]
    in_order: bool = False
    measured: int = 0
    failed: int = 0
    _told: set[str] = field(default_factory=set)
    _use: _Use = field(init=False)
    _measured: dict[str, Any] | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        result = yield  # the outermost: the suite's own order and choice are made
        found = {item.nodeid: item for item in reversed(items)}
        wanted = dict.fromkeys(self.wanted)
        items[:] = [each for each in items if each.nodeid in wanted and found[each.nodeid] is each]
        if self.in_order:
            places = {case: place for place, case in enumerate(wanted)}
            items.sort(key=lambda each: places[each.nodeid])
        for case in wanted:
            if case not in found:
                self._record("case_started", case=case)
                self._fail(case, "raised", "not found again: its id differs between processes")
        return result

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._measured = None
        self._record("case_started", case=nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not is_benchmark(item):
            pytest.skip(f"no benchmark: it does not use the `{FIXTURE}` fixture")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        can_reset = noise.reset_peak_rss()
        before, start = noise.read(), time.perf_counter()
        try:
            return (yield)
        finally:
            timed_s = time.perf_counter() - start
            self._use = _Use(
                noise=noise.read().since(before),
                timed_s=timed_s,
                peak_rss_bytes=noise.peak_rss_bytes() if can_reset else None,
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield  # the outermost: xfail is told by now
        if report.failed:
            self._send_measured(item.nodeid)
            error = None if call.excinfo is None else call.excinfo.value
            self._fail(item.nodeid, *what_failed(error, report.longreprtext))
        elif report.skipped:
            self._skip(item.nodeid, why_skipped(report))
        elif report.when == "call":
            self._passed(item)
        elif report.when == "teardown":  # what the suite adds to extra_info, it has added
            self._send_measured(item.nodeid)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None, object, object]:
        if exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            self._record("finished", cases=self.measured)
        return (yield)

    def _passed(self, item: pytest.Item) -> None:
        fixture = getattr(item, "funcargs", {}).get(FIXTURE)
        if fixture is None or (fixture.stats is None and not fixture.disabled):
            self._skip(item.nodeid, f"it passed without a call of its `{FIXTURE}` fixture")
            return
        try:
            record, of_gpu = benchmark_record(fixture, self._use), item.stash.get(OF_GPU, OfGpu())
            self._measured = {
                **record,
                "in_turns": item.stash.get(IN_TURNS, False),
                "gpu": of_gpu.record,
                "warnings": [*record["warnings"], *of_gpu.warnings],
            }
        except Unmeasured as reason:
            self._fail(item.nodeid, "raised", str(reason))

    def _send_measured(self, case: str) -> None:
        record, self._measured = self._measured, None
        if record is not None and case not in self._told:
            extra: list[str] = []
            fixture_info = plain_mapping(record["extra_info"], extra.append, "extra_info")
            warnings = [*record["warnings"], *few(extra)]
            self._told.add(case)
            self.send({**record, "extra_info": fixture_info, "warnings": warnings})
            self.measured += 1

    def _skip(self, case: str, reason: str) -> None:
        if case not in self._told:
            self._told.add(case)
            self._record("skipped", case=case, reason=reason[:MESSAGE_CHARACTERS])

    def _fail(self, case: str, kind: str, message: str) -> None:
        self._told.add(case)
        self.failed += 1
        self._record("failure", case=case, failure=kind, message=message)

    def _record(self, kind: str, **fields: Any) -> None:
        self.send({"schema": SCHEMA_VERSION, "kind": kind, **fields})


def benchmark_record(fixture: Any, use: _Use) -> dict[str, Any]:
    """The record of a finished benchmark; `extra_info` is still the suite's own mapping.

    `fixture`: pytest-benchmark's, which has no annotations. Raises `Unmeasured`.
    """
    if fixture.disabled:
        raise Unmeasured("its benchmark fixture is disabled: nothing was timed")
    if fixture.has_error:
        raise Unmeasured("what it benchmarks raised, and the test caught that")
    stats = fixture.stats
    warnings: list[str] = []
    options = plain_mapping(callables_named(stats.options), warnings.append, "options")
    mode = getattr(fixture, "_mode", None)
    return {
        "schema": SCHEMA_VERSION,
        "kind": "benchmark",
        "case": stats.fullname,
        "group": None if stats.group is None else text_of(stats.group),
        "parameters": plain_mapping(stats.params or {}, warnings.append, "parameters"),
        "extra_info": stats.extra_info,
        "samples_s": samples_s(stats.stats.data),
        "calls_per_round": stats.iterations,
        "options": {"mode": mode, **options} if isinstance(mode, str) else options,
        "platform": started_platform(),
        "peak_rss_bytes": use.peak_rss_bytes,
        **asdict(use.noise),
        "timed_s": use.timed_s,
        "warnings": [
            *noise.unread(use.peak_rss_bytes, use.noise.steal_s),
            *unlike_others(options, len(stats.stats.data)),
            *few(warnings),
        ],
    }


def samples_s(data: Iterable[float]) -> list[float]:
    """All samples, in order. Raises `Unmeasured` for too many, and for what is no time."""
    samples = [float(each) for each in data]
    if len(samples) > SAMPLES:
        raise Unmeasured(f"{len(samples):,} samples, and the most is {SAMPLES:,}: less max_time")
    wrong = sum(not 0 < each < 1e9 for each in samples)
    if wrong or not samples:
        raise Unmeasured(
            f"{wrong} of {len(samples)} samples are not times above zero: a clock that is too "
            "coarse for so short a call? More iterations, or a larger min_time"
        )
    return samples


def unlike_others(options: Mapping[str, Any], rounds: int) -> list[str]:
    """Says in what a suite's own settings make its samples other than one expects."""
    found = []
    if options.get("timer", WALL_CLOCK) != WALL_CLOCK:
        found.append(f"timed by {options['timer']}, which may not be wall time")
    if rounds == 1:
        found.append("one round only: it may hold compilation, and tells nothing of its spread")
    return found


def few(warnings: list[str]) -> list[str]:
    """`warnings`, the first ones where there are many, each of a length that the host takes."""
    shown = [each[:WARNING_CHARACTERS] for each in warnings[:WARNINGS]]
    more = len(warnings) - len(shown)
    return [*shown, f"and {more:,} more of this kind"] if more else shown


def callables_named(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` with functions by their names (`time.perf_counter`)."""
    return {name: text_of(value) if callable(value) else value for name, value in options.items()}


def is_benchmark(item: pytest.Item) -> bool:
    """Whether a test uses pytest-benchmark's fixture, itself or through another fixture."""
    return FIXTURE in getattr(item, "fixturenames", ())


def what_failed(error: BaseException | None, account: str) -> tuple[str, str]:
    """The kind of failure, and the error before pytest's account of it. Without an error, as
    where a test that must fail passed, the account is all there is."""
    if error is None:
        return "raised", account[:MESSAGE_CHARACTERS]
    headline = "".join(traceback.format_exception_only(error)).strip()
    return failure_kind(error), f"{headline}\n{account}"[:MESSAGE_CHARACTERS]


def cause_first(text: str) -> str:
    """pytest's account of an error with its last line, which names the error, put first."""
    marked = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return "\n".join([*marked[-1:], text])


def acceptable(case: str) -> bool:
    """Whether the host takes `case` as an id."""
    return 0 < len(case) <= CASE_CHARACTERS and case.isprintable()


def why_skipped(report: pytest.TestReport) -> str:
    """The reason of a skipped or expectedly failed test."""
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}".removesuffix(": ")
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")


def why_disabled(config: pytest.Config) -> str | None:
    """Why pytest-benchmark would time nothing; None where it would."""
    if config.getoption("dist", "no") != "no" or config.getoption("numprocesses", None):
        return (
            "its pytest settings spread the tests over processes (pytest-xdist: -n, --dist): "
            "nothing can be timed side by side. Take that out of its addopts"
        )
    if config.getoption("benchmark_disable", False) and not config.getoption(
        "benchmark_enable", False
    ):
        return "its pytest settings disable benchmarks: take --benchmark-disable out of its addopts"
    if not config.pluginmanager.hasplugin("pytest-benchmark"):
        return "pytest-benchmark is not there: not installed, or kept out (-p no:benchmark)"
    return None
