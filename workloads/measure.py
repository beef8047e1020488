"""The one timing policy: how a case becomes samples.

A round is a number of calls that together last at least `round_s`, each waited for, or, where
calls queue on a device, the last. Rounds are timed by pytest-benchmark's pedantic mode: every
sample is kept, in order, as seconds per call. Numbers are checked before anything is timed.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol

import jax

from workloads import noise, remarks, room, throttling
from workloads.builders import build
from workloads.case import Case
from workloads.nvml import Unread
from workloads.pauses import Pauses
from workloads.prepare import Prepared, Stages, prepare
from workloads.program import Program
from workloads.stream import SCHEMA_VERSION
from workloads.throttling import Watch, Watched
from workloads.turns import Alone, Turns


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long is measured. The same for every case, so that samples are comparable.

    `round_s`: a round lasts about this long at least; reading the clock costs nothing beside it.
    `budget_s`: rounds fill about this much steady state, within the two bounds.
    `min_rounds`: enough for a median and its spread. `warmup_rounds`: untimed.
    """

    round_s: float = 0.005
    budget_s: float = 0.2
    min_rounds: int = 7
    max_rounds: int = 40
    warmup_rounds: int = 1

    def rounds(self, round_s: float) -> int:
        """How many rounds of `round_s` seconds."""
        return max(self.min_rounds, min(self.max_rounds, round(self.budget_s / round_s)))


POLICY = Policy()

ALONE = Alone()

PAUSES = Pauses()
"""Of this process."""


class Benchmark(Protocol):
    """What is used of pytest-benchmark's fixture (which has no annotations)."""

    disabled: bool
    extra_info: dict[str, Any]
    stats: Any

    def pedantic(
        self,
        target: Callable[..., Any],
        *,
        args: tuple[Any, ...],
        setup: Callable[[], None],
        rounds: int,
        warmup_rounds: int,
        iterations: int,
    ) -> Any:
        """Calls `setup()`, untimed, and `target(*args)`, timed, once a round."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Samples of one case (seconds per call, in order) and what went on meanwhile.

    `calls`, `timed_s`: calls in, and wall time of, all rounds, warm-up included.
    `peak_rss_bytes`: of the process during the rounds alone; compiling and the reference are
    over by then. `gpu`: None where none was watched. `set_aside`: what this was taken in place of.
    """

    samples_s: list[float]
    calls_per_round: int
    calls: int
    timed_s: float
    noise: noise.Reading
    peak_rss_bytes: int | None
    gpu: Watched | None = None
    set_aside: "Timing | None" = None


def measure(
    case: Case,
    benchmark: Benchmark,
    policy: Policy = POLICY,
    turns: Turns = ALONE,
    pauses: Pauses = PAUSES,
) -> dict[str, Any]:
    """Measures `case` and returns its measurement record.

    In turns, each step waits for its own: making the case, and every round. By itself it is
    measured once more after a pause, where the GPU was slowed too often. Raises
    `room.Unsuitable` for what cannot run here, `turns.Passed` for what the other side does not
    measure, `numerics.WrongNumbers` before timing, and whatever the workload raises.
    """
    if benchmark.disabled:
        raise RuntimeError("pytest-benchmark is disabled (xdist, --benchmark-disable): no timing")
    began_s = time.monotonic()
    room.check(case)
    turns.wait(case.id)
    prepared: Prepared = prepare(case, build(case))
    rounds = turns.rounds(case.id)
    if rounds is not None:
        policy = replace(policy, min_rounds=rounds, max_rounds=rounds)
    try:
        watch, unread = _watch(case)
        timing = take_rounds(prepared, benchmark, policy, lambda: turns.wait(case.id), watch)
        if rounds is None:
            spent_s = time.monotonic() - began_s
            timing = settled(timing, prepared, benchmark, policy, pauses, spent_s)
        record = measurement(prepared, timing)
        record["warnings"] += unread
    finally:
        prepared.close()
    facts = {key: value for key, value in record.items() if key not in ("kind", "samples_s")}
    benchmark.extra_info.update(facts)
    return record


def take_rounds(
    prepared: Prepared,
    benchmark: Benchmark,
    policy: Policy,
    before_round: Callable[[], None] = lambda: None,
    watch: Watch | None = None,
) -> Timing:
    """Times `prepared` under `policy`; pytest-benchmark ends up with the same samples.

    `before_round` is called before every round, warm-up included, and is not timed. `watch` looks
    at the GPUs at the end of each.
    """
    own = prepared.before_round
    if own is None:
        calls, call_s = calls_per_round(prepared.round, policy.round_s)
    else:
        own()
        calls, call_s = 1, _duration_s(prepared.round, 1)

    def setup() -> None:
        if watch is not None:
            watch.look()  # first: of the round before, while its clock still is what it was
        benchmark.stats.iterations = calls  # its table and JSON then hold seconds per call
        before_round()
        if own is not None:
            own()

    can_reset = noise.reset_peak_rss()
    with garbage_held():
        before, start = noise.read(), time.perf_counter()
        benchmark.pedantic(
            prepared.round,
            args=(calls,),
            setup=setup,
            rounds=policy.rounds(calls * call_s),
            warmup_rounds=policy.warmup_rounds,
            iterations=1,
        )
        timed_s, after = time.perf_counter() - start, noise.read()
    samples_s = list(benchmark.stats.stats.data)
    watched = None if watch is None else watch.end(len(samples_s))
    return Timing(
        samples_s=samples_s,
        calls_per_round=calls,
        calls=calls * (len(samples_s) + policy.warmup_rounds),
        timed_s=timed_s,
        noise=after.since(before),
        peak_rss_bytes=noise.peak_rss_bytes() if can_reset else None,
        gpu=watched,
    )


def _watch(case: Case) -> tuple[Watch | None, list[str]]:
    """What looks at its GPUs, if there are any; and why nothing does, where something should."""
    try:
        return throttling.watch(case.devices), []
    except Unread as error:
        return None, [throttling.unknown(error)]


def settled(
    first: Timing,
    prepared: Prepared,
    benchmark: Benchmark,
    policy: Policy,
    pauses: Pauses,
    spent_s: float,
) -> Timing:
    """`first`, or what was measured in its place after a pause: once, as it may not get better.
    `spent_s`: all that the case has taken until now."""
    if first.gpu is None or not pauses.would_help(first.gpu, first.timed_s, spent_s):
        return first
    pauses.take()
    # pytest-benchmark lets a fixture time once, and this is how it knows; its table has both.
    vars(benchmark).update(_mode=None)
    again = take_rounds(prepared, benchmark, policy, watch=throttling.watch(prepared.case.devices))
    return replace(again, set_aside=first)


def calls_per_round(run: Callable[[int], None], round_s: float) -> tuple[int, float]:
    """(calls, seconds per call): how many calls `run` needs to last `round_s`.

    The faster of two tries decides, so that one hiccup does not make every round too short.
    A single call far above `round_s` needs no second try.
    """
    calls = 1
    while True:
        elapsed_s = _duration_s(run, calls)
        if elapsed_s < 10 * round_s:
            elapsed_s = min(elapsed_s, _duration_s(run, calls))
        if elapsed_s >= round_s:
            return calls, elapsed_s / calls
        calls = max(calls + 1, math.ceil(1.1 * calls * round_s / elapsed_s))


def measurement(prepared: Prepared, timing: Timing) -> dict[str, Any]:
    """The record of one measured case. Seconds, bytes, FLOP."""
    case, work = prepared.case, prepared.case.work
    return {
        "schema": SCHEMA_VERSION,
        "kind": "measurement",
        "case": case.id,
        "workload": case.workload,
        "phase": case.phase,
        "dtype": case.dtype,
        "parameters": dict(case.parameters),
        "samples_s": timing.samples_s,
        "calls_per_round": timing.calls_per_round,
        **_fields(Stages, prepared.stages),
        **asdict(case.cost),
        "work_unit": None if work is None else work.unit,
        "work_count": None if work is None else work.count,
        **_fields(Program, prepared.program),
        "peak_rss_bytes": timing.peak_rss_bytes,
        "device_peak_bytes": device_peak_bytes(),
        "numerics_error": prepared.numerics_error,
        "numerics_tolerance": case.tolerance,
        **asdict(timing.noise),
        "timed_s": timing.timed_s,
        "gpu": _gpu(timing),
        "observations": dict(prepared.observe()),
        "warnings": [
            *prepared.warnings(),
            *noise.unread(timing.peak_rss_bytes, timing.noise.steal_s),
            *(() if timing.gpu is None else throttling.warnings(timing.gpu)),
            *_set_aside(timing),
            *(_of_program(prepared, prepared.program, timing) if prepared.program else ()),
        ],
    }


def _gpu(timing: Timing) -> dict[str, Any] | None:
    if timing.gpu is None:
        return None
    return timing.gpu.as_record([] if timing.set_aside is None else timing.set_aside.samples_s)


def _set_aside(timing: Timing) -> Iterator[str]:
    if timing.set_aside is not None and timing.set_aside.gpu is not None:
        yield throttling.again(timing.set_aside.gpu)


def _of_program(prepared: Prepared, program: Program, timing: Timing) -> Iterator[str]:
    """Remarks that make sense for what XLA compiled, and is there to compute something."""
    yield from program.warnings()
    case = prepared.case
    if case.workload != "dispatch":
        yield from remarks.faults(case, timing.noise.minor_faults, timing.calls)
        yield from remarks.near_dispatch(min(timing.samples_s), prepared.queued)


def _fields(kind: type[Any], found: Any) -> dict[str, Any]:
    """The fields of a dataclass; None each where there is none."""
    return dict.fromkeys(field.name for field in fields(kind)) if found is None else asdict(found)


def device_peak_bytes() -> int | None:
    """Most device memory in use since the launch began; None where not told (CPU)."""
    peak = (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return None if peak is None else int(peak)


@contextmanager
def garbage_held() -> Iterator[None]:
    """Collects garbage now and keeps the collector still within."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _duration_s(run: Callable[[int], None], calls: int) -> float:
    start = time.perf_counter()
    run(calls)
    return time.perf_counter() - start
