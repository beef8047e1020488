"""Asks what cases there are, in a process that measures nothing: of a suite of one's own, or of an
image that may be older than this harness."""

import time
from collections import deque
from dataclasses import dataclass

from containers.engine import Engine, Running
from containers.output import Lines
from containers.spec import LaunchSpec
from harness.errors import EnvironmentFailure
from harness.records import BadRecord, Collected, Known, parse
from harness.runner.session import LINE_LIMIT_BYTES, cause_of_death

_EXIT_PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Uncollected:
    """What could not be collected; `case` is a file, or None where no single one is to blame."""

    case: str | None
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a suite holds. `others`: tests that are no benchmarks."""

    benchmarks: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    failures: tuple[Uncollected, ...] = ()


def collect(engine: Engine, spec: LaunchSpec, limit_s: float) -> Contents:
    """What the suite holds that `spec` asks for. What goes wrong is among its failures.

    Raises `EngineError`.
    """
    with engine.start(spec) as running:
        try:
            line = last_line(running, limit_s)
        except TimeoutError:
            return _failed("timed_out", f"collecting took longer than {limit_s:g} s (case_limit_s)")
        if line is None:
            exit_ = running.wait(_EXIT_PATIENCE_S)
            return _failed(*cause_of_death(exit_, running.log(), " while it was collected"))
    try:
        return _contents(line)
    except BadRecord as error:
        return _failed("bad_record", f"what was collected is no record: {error}")


def known_cases(engine: Engine, spec: LaunchSpec, limit_s: float) -> dict[str, str]:
    """Cases of the image that `spec` asks, with their definitions (`Case.definition`).

    Raises `EnvironmentFailure` for one that does not answer, and `EngineError`.
    """
    with engine.start(spec) as running:
        try:
            line = last_line(running, limit_s)
        except TimeoutError:
            line = None
        said = running.log() if line is None else ""
    try:
        record = parse(line) if isinstance(line, bytes) else None
    except BadRecord as error:
        said, record = str(error), None
    if not isinstance(record, Known):
        raise EnvironmentFailure(
            f"image {spec.image} does not tell its cases as this jaxrig asks for them: it was made "
            f"by another version, or by something else. {said.strip()}"
        )
    return record.cases


def last_line(running: Running, limit_s: float) -> bytes | int | None:
    """The last line that is printed, None without any; no more is held, however much there is.

    Raises `TimeoutError` where that takes longer than `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    lines = Lines(LINE_LIMIT_BYTES)
    last: deque[bytes | int] = deque(maxlen=1)
    while (chunk := running.read(max(0.0, deadline - time.monotonic()))) != b"":
        if time.monotonic() >= deadline:
            raise TimeoutError
        last.extend(lines.feed(chunk or b""))
    last.extend(lines.finish())
    return last[0] if last else None


def _contents(line: bytes | int) -> Contents:
    record = parse(line) if isinstance(line, bytes) else None
    if not isinstance(record, Collected):
        raise BadRecord("not a list of cases" if record else f"a line of {line!r} bytes")
    return Contents(
        benchmarks=tuple(dict.fromkeys(record.benchmarks)),
        others=tuple(dict.fromkeys(record.others)),
        failures=tuple(
            Uncollected(case=each.case, kind="raised", message=each.message)
            for each in record.failures
        ),
    )


def _failed(kind: str, message: str) -> Contents:
    return Contents(failures=(Uncollected(case=None, kind=kind, message=message),))
