"""Follows one container process from its first record to its end.

Everything that comes out of it is checked, charged to a case, and handed on at once.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from containers.engine import Exit, Running
from containers.output import Lines
from harness.records import (
    BadRecord,
    Benchmark,
    CaseStarted,
    Collected,
    Environment,
    Failure,
    Finished,
    Measured,
    Measurement,
    Profile,
    Ready,
    Record,
    Skipped,
    parse,
)

LINE_LIMIT_BYTES = 32 << 20  # a million samples
_BAD_LINES_LIMIT = 50
_EXIT_PATIENCE_S = 10.0
_LOG_TAIL_LINES = 15


class Sink(Protocol):
    """Where a session's findings go."""

    def environment(self, environment: Environment) -> None:
        """May raise, which ends the launch: nothing was measured yet."""

    def case_started(self, case: str) -> None: ...

    def measured(self, measurement: Measured) -> None:
        """May raise `BadRecord`."""

    def profiled(self, profile: Profile) -> None: ...

    def skipped(self, case: str, reason: str) -> None: ...

    def failed(self, case: str | None, kind: str, message: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class TimeLimits:
    """Seconds that one case (and the start-up before the first) and the launch may take."""

    case_s: float
    launch_s: float


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a process ended: what it did not get to, and whether going on makes sense."""

    remaining: tuple[str, ...]
    exit: Exit
    go_on: bool


@dataclass
class Session:
    """`deadline`: of the whole launch, on the monotonic clock. `in_turns`: it waits to be told.
    `profiled`: it times nothing.

    What it waits for somebody else counts towards no limit.
    """

    running: Running
    cases: Sequence[str]
    limits: TimeLimits
    sink: Sink
    deadline: float
    in_turns: bool = False
    profiled: bool = False
    _settled: set[str] = field(default_factory=set)
    _kept: set[str] = field(default_factory=set)
    _case: str | None = None
    _measured: str | None = None
    _case_since: float = field(default_factory=time.monotonic)
    _environment: Environment | None = None
    _finished: bool = False
    _bad_lines: int = 0
    _stopped: bool = False
    _waits: bool = False
    exit: Exit | None = field(default=None, init=False)
    """How it ended, once it has."""
    _stops: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._stops = self._read()

    def follow(self) -> Ending:
        """Reads to the end. Raises what the sink raises, and `EngineUnavailable`."""
        self.advance()  # to the end: only what is in turns waits
        return self.end()

    def advance(self) -> str | None:
        """Reads until the launch waits for its turn: the case that it waits for; None at its
        end. Raises what the sink raises, and `EngineUnavailable`."""
        return next(self._stops, None)

    @property
    def finished(self) -> bool:
        """Whether the launch has said that it is through."""
        return self._finished

    def has_measured(self, case: str) -> bool:
        """Whether a measurement of it has arrived."""
        return case in self._kept

    def abandon(self) -> None:
        """Nobody wants the rest any more: what was not measured remains, and is no failure."""
        self._stopped = True

    def _read(self) -> Iterator[str]:
        lines = Lines(LINE_LIMIT_BYTES)
        while not self._stopped:
            chunk = self.running.read(self._patience_s())
            if chunk == b"":
                break
            for line in lines.feed(chunk or b""):
                self._line(line)
                if self._waits:
                    yield from self._wait()
            self._enforce_limits()
        for line in lines.finish():
            self._line(line)

    def _wait(self) -> Iterator[str]:
        self._waits, since = False, time.monotonic()
        yield str(self._case)
        waited_s = time.monotonic() - since
        self._case_since += waited_s
        self.deadline += waited_s

    def _line(self, line: bytes | int) -> None:
        if self._stopped:
            return
        try:
            if isinstance(line, int):
                raise BadRecord(
                    f"a line of {line:,} bytes; the most is {LINE_LIMIT_BYTES:,}. "
                    "Records come one a line; a case must not print to file descriptor 1"
                )
            self._record(parse(line))
        except BadRecord as error:
            self._bad_record(line, error)

    def _record(self, record: Record) -> None:
        if self._environment is None and not isinstance(record, Environment):
            raise BadRecord(f"a {record.kind} record before the environment record")
        match record:
            case Environment():
                if self._environment is not None:
                    raise BadRecord("a second environment record")
                self.sink.environment(record)
                self._environment = record
            case CaseStarted():
                self._must_be_pending(record.case)
                if record.case == self._case:  # each start begins its time limit anew
                    raise BadRecord(f"a second start of case {record.case!r}")
                self._case, self._case_since = record.case, time.monotonic()
                self._measured = None
                self.sink.case_started(record.case)
            case Ready() if self.in_turns:
                self._must_be_current(record.case)
                self._waits = True
            case Ready():
                raise BadRecord("a ready record from a launch that is not in turns")
            case Measurement() | Benchmark() if not self.profiled:
                self._must_be_current(record.case)
                self.sink.measured(record)
                self._settle(record.case)
                self._kept.add(record.case)
                self._measured = record.case
            case Profile() if self.profiled:
                self._must_be_current(record.case)
                self.sink.profiled(record)
                self._settle(record.case)
            case Measurement() | Benchmark() | Profile():
                how = "is profiled" if self.profiled else "measures"
                raise BadRecord(f"a {record.kind} record from a launch that {how}")
            case Skipped():
                self._must_be_current(record.case)
                self.sink.skipped(record.case, record.reason)
                self._settle(record.case)
            case Failure() if record.case == self._measured:
                # It came to grief when it was over, as in a fixture's end: both are kept. Once:
                # a launch that says so without end would fill the database.
                self._measured = None
                self.sink.failed(record.case, record.failure, record.message)
            case Failure():
                self._must_be_current(record.case)
                self._fail(record.failure, record.message)
            case Finished():
                self._finished = True
            case Collected():
                raise BadRecord("a collected record from a launch that measures")

    def _bad_record(self, line: bytes | int, error: BadRecord) -> None:
        self._bad_lines += 1
        shown = "" if isinstance(line, int) else f"; the line begins {line[:120]!r}"
        self.sink.failed(
            self._case, "bad_record", f"the launch printed what is no record: {error}{shown}"
        )
        if self._case is not None:
            self._settled.add(self._case)
        if self._bad_lines >= _BAD_LINES_LIMIT:
            self._stop("bad_record", f"stopped after {self._bad_lines} lines that are no records")

    def _must_be_pending(self, case: str) -> None:
        if case not in self.cases or case in self._settled:
            raise BadRecord(f"case {case!r} was not asked for here")

    def _must_be_current(self, case: str) -> None:
        if case != self._case:
            raise BadRecord(f"a record of case {case!r} while {self._case!r} runs")

    def _fail(self, kind: str, message: str) -> None:
        self.sink.failed(self._case, kind, message)
        if self._case is not None:
            self._settle(self._case)

    def _settle(self, case: str) -> None:
        self._settled.add(case)
        self._case, self._case_since, self._measured = None, time.monotonic(), None

    def _patience_s(self) -> float:
        case_end = self._case_since + self.limits.case_s
        return max(0.0, min(case_end, self.deadline) - time.monotonic())

    def _enforce_limits(self) -> None:
        now = time.monotonic()
        if now >= self.deadline:
            self._stop("timed_out", f"the launch took longer than {self.limits.launch_s:g} s")
            for case in self._remaining():
                self._case = case
                self._fail("timed_out", "not reached before the launch's time limit")
        elif now >= self._case_since + self.limits.case_s:
            self._stop("timed_out", f"{self._now_doing()} longer than {self.limits.case_s:g} s")

    def _now_doing(self) -> str:
        if self._case is not None:
            return "took"
        return "what follows a case took" if self._settled else "start-up, before any case, took"

    def _stop(self, kind: str, message: str) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._fail(
            kind,
            f"{message}; raise case_limit_s or launch_limit_s in jaxrig.toml"
            if kind == "timed_out"
            else message,
        )

    def _remaining(self) -> tuple[str, ...]:
        return tuple(case for case in self.cases if case not in self._settled)

    def end(self) -> Ending:
        """How it ended, once there is nothing more to read."""
        exit_ = self.exit = self.running.wait(0.0 if self._stopped else _EXIT_PATIENCE_S)
        begun = self._begun()
        if not self._finished and not self._stopped:
            when = "" if begun else " before its first case"
            self._fail(*cause_of_death(exit_, self.running.log(), when))
        elif self._finished and self._remaining():
            for case in self._remaining():
                self._case = case
                self._fail("crashed", "the launch ended without a word about this case")
        # A process that died before it came to any case will do so again.
        return Ending(remaining=self._remaining(), exit=exit_, go_on=begun)

    def _begun(self) -> bool:
        return bool(self._settled) or self._case is not None


def cause_of_death(exit_: Exit, log: str, when: str) -> tuple[str, str]:
    """The kind of failure and its message, for a process that ended before its last record."""
    if exit_.out_of_memory:
        return "out_of_memory", (
            f"the launch was killed{when} because it needed more memory than its limit; raise "
            "`memory` of this target in jaxrig.toml, or measure a smaller case"
        )
    tail = "\n".join(log.splitlines()[-_LOG_TAIL_LINES:])
    return "crashed", f"the launch ended{when} with exit code {exit_.code}; its log ends:\n{tail}"
