"""A pytest plugin that turns the outcome of each case into a record, at once.

Outcomes come from pytest's own reports: pytest-benchmark drops a benchmark that failed.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from workloads import failure
from workloads.case import Case
from workloads.driver import memory_told
from workloads.environment import started_platform
from workloads.failure import explain
from workloads.numerics import WrongNumbers
from workloads.stream import SCHEMA_VERSION

RECORD = pytest.StashKey[dict[str, Any]]()
"""Where a test leaves what it found, as a record: `request.node.stash[RECORD]`."""

CAME_TO_AN_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Recorder:
    """Sends `case_started`, then what was found, `skipped` or `failure` for each case, and
    `finished` unless the session was interrupted."""

    def __init__(self, send: Callable[[Mapping[str, Any]], None]) -> None:
        self._send = send
        self.measured = 0
        self.failed = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._record("case_started", case=case_id(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, pytest.skip.Exception):
            self._record("skipped", case=case_id(item), reason=str(call.excinfo.value))
        elif call.excinfo is not None:
            self._fail(item, failure_kind(call.excinfo.value), explained(call.excinfo.value))
        elif report.when == "call":
            self._passed(item)
        return report

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus in CAME_TO_AN_END:
            self._record("finished", cases=self.measured)

    def _passed(self, item: pytest.Item) -> None:
        record = item.stash.get(RECORD, None)
        if record is None:
            self._fail(item, "raised", "the test passed, but left no record")
            return
        self._send(record)
        self.measured += 1

    def _fail(self, item: pytest.Item, kind: str, message: str) -> None:
        self.failed += 1
        self._record("failure", case=case_id(item), failure=kind, message=message)

    def _record(self, kind: str, **fields: Any) -> None:
        self._send({"schema": SCHEMA_VERSION, "kind": kind, **fields})


def case_id(item: pytest.Item) -> str:
    """The id of the case that a test measures; a test without one goes by its own name."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    case = parameters.get("case")
    return case.id if isinstance(case, Case) else item.name


def failure_kind(error: BaseException) -> str:
    """The record schema's word for what went wrong."""
    return "wrong_numbers" if isinstance(error, WrongNumbers) else failure.failure_kind(error)


def explained(error: BaseException) -> str:
    """As `explain`, after what is to be done where a GPU's memory did not suffice."""
    on_device = failure_kind(error) == "out_of_memory" and not isinstance(error, MemoryError)
    told = memory_told() if on_device and started_platform() == "cuda" else None
    return explain(error) if told is None else f"out of memory: {told}\n{explain(error)}"
