"""Where the time of a case goes on its device, operation by operation, by JAX's profiler.

A launch of its own does this: what is traced is slower, so nothing that is timed is traced.
"""

import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax

from workloads import room
from workloads.builders import build
from workloads.case import Case
from workloads.measure import calls_per_round
from workloads.prepare import Prepared, prepare
from workloads.stream import SCHEMA_VERSION

if TYPE_CHECKING:
    from jax.profiler import ProfileData, ProfileOptions

TRACED_S = 0.05
"""How long the traced calls last at least: many thousand operations, and a trace of some MB."""

MOST_OPERATIONS = 200
"""That are told by name; the rest as a sum."""

_DEVICE = re.compile(r"/device:(GPU|TPU):\d+")
_WORK = {"GPU": "Stream #", "TPU": "XLA Ops"}
"""How lines of a device begin that hold what it did. Others hold the same again: by step, module
or source."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """An operation, from its start to its end, in nanoseconds."""

    name: str
    start_ns: float
    end_ns: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What devices did during `calls` calls, which took `wall_s` seconds altogether.

    `device_s`: seconds in which at least one operation ran; None where none was seen.
    `operations`: name → (how often, seconds of its own: without those that ran within it).
    """

    calls: int
    wall_s: float
    device_s: float | None
    operations: dict[str, tuple[int, float]]


def profile(case: Case) -> dict[str, Any]:
    """Runs `case` under the profiler; its profile record.

    Raises `room.Unsuitable` for what cannot run here and where JAX cannot read its own traces,
    `numerics.WrongNumbers`, and whatever the workload raises.
    """
    if not (hasattr(jax.profiler, "ProfileData") and hasattr(jax.profiler, "ProfileOptions")):
        raise room.Unsuitable(f"JAX {jax.__version__} is too old to read what its profiler traced")
    room.check(case)
    prepared: Prepared = prepare(case, build(case))
    try:
        return record(case, traced(prepared))
    finally:
        prepared.close()


def traced(prepared: Prepared) -> Profile:
    """As many calls as fill `TRACED_S`, after others that nobody traced."""
    calls = _warm(prepared)
    with tempfile.TemporaryDirectory() as folder:
        jax.profiler.start_trace(folder, profiler_options=_options())
        try:
            start = time.perf_counter()
            prepared.round(calls)
            wall_s = time.perf_counter() - start
        finally:
            jax.profiler.stop_trace()  # type: ignore[no-untyped-call]
        (file,) = Path(folder).rglob("*.xplane.pb")
        lines = list(work_lines(jax.profiler.ProfileData.from_file(str(file))))
    return Profile(
        calls=calls, wall_s=wall_s, device_s=covered_s(lines), operations=own_times(lines)
    )


def _warm(prepared: Prepared) -> int:
    """Ready to be traced; how many calls."""
    renew = prepared.before_round
    if renew is None:
        return calls_per_round(prepared.round, TRACED_S)[0]
    renew()
    prepared.round(1)
    renew()
    return 1


def _options() -> "ProfileOptions":
    """Operations, and nothing of Python: following its calls would cost more than the calls."""
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    options.host_tracer_level = 1
    return options


def work_lines(data: "ProfileData") -> Iterator[list[Span]]:
    """What each stream of each device did, or each thread where the host is the device: there
    XLA marks its operations, among much else."""
    for plane in data.planes:
        device = _DEVICE.match(plane.name)
        for line in plane.lines:
            if device is None or line.name.startswith(_WORK[device[1]]):
                yield list(_spans(line.events, named=device is not None))


def _spans(events: Iterable[Any], *, named: bool) -> Iterator[Span]:
    """`named`: an event is an operation also where XLA says nothing of it, as a copy is."""
    for event in events:
        operation = next((value for name, value in event.stats if name == "hlo_op"), None)
        name = operation or (event.name if named else None)
        if name and event.duration_ns > 0:
            yield Span(name=str(name), start_ns=event.start_ns, end_ns=event.end_ns)


def covered_s(lines: Sequence[Sequence[Span]]) -> float | None:
    """Seconds in which any of the operations ran, however many at a time; None without any."""
    spans = sorted(
        (span for line in lines for span in line), key=lambda span: (span.start_ns, span.end_ns)
    )
    if not spans:
        return None
    covered_ns, until_ns = 0.0, spans[0].start_ns
    for span in spans:
        covered_ns += max(0.0, span.end_ns - max(span.start_ns, until_ns))
        until_ns = max(until_ns, span.end_ns)
    return covered_ns * 1e-9


def own_times(lines: Sequence[Sequence[Span]]) -> dict[str, tuple[int, float]]:
    """By name: how often, and seconds without those operations of the same line that ran within,
    as the body of a loop does."""
    counts, own_ns = Counter[str](), defaultdict[str, float](float)
    for line in lines:
        within: list[Span] = []
        for span in sorted(line, key=lambda span: (span.start_ns, -span.end_ns)):
            while within and within[-1].end_ns <= span.start_ns:
                within.pop()
            length_ns = span.end_ns - span.start_ns
            if within:
                own_ns[within[-1].name] -= min(span.end_ns, within[-1].end_ns) - span.start_ns
            counts[span.name] += 1
            own_ns[span.name] += length_ns
            within.append(span)
    return {name: (count, max(0.0, own_ns[name]) * 1e-9) for name, count in counts.items()}


def record(case: Case, found: Profile) -> dict[str, Any]:
    """The profile record of a case; seconds of all its calls."""
    longest = sorted(found.operations.items(), key=lambda each: -each[1][1])
    told, rest = longest[:MOST_OPERATIONS], longest[MOST_OPERATIONS:]
    return {
        "schema": SCHEMA_VERSION,
        "kind": "profile",
        "case": case.id,
        "calls": found.calls,
        "wall_s": found.wall_s,
        "device_s": found.device_s,
        "operations": [
            {"name": name, "count": count, "seconds": seconds} for name, (count, seconds) in told
        ],
        "other_operations_s": sum(seconds for _, (_, seconds) in rest),
    }
