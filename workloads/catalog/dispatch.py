"""The way to the device and back: a computation that is next to nothing."""

from workloads.case import CEILINGS, PROCESS_BYTES, QUICK, Case, Cost, Work

TOLERANCE = 0.0
"""A whole number below 2^24, counted up by one with each call: right or wrong."""

LADDER = (1, 2, 4, 8, 16, 32, 64)
"""Calls that are started before the last one is waited for: the N of T(N) = a + b N."""

HANDED = 4096
"""Numbers that are counted up at once: XLA's client for CPUs runs what has fewer than 1000 FLOP on
the thread that calls, and hands over anything else."""

REPEATS = 5
"""Times that the ladder is climbed in one call of the case."""

KERNELS = (4, 16, 64)
"""Small things done in one program, each by two kernels or more that cannot be fused: the N again,
as in the next."""

LOOPED = 4
"""Of the next, in one turn of a loop: a turn costs some 1 us on CPU."""

LOOPS = (64, 256, 1024)
"""The same things done by the same few kernels, whose code and records are at hand: a third of the
cost. Waking who does them takes as long as a hundred, so that it takes many to tell."""

ARRAYS = (1, 16, 64, 128)
"""Arrays that a call is given, and those that it gives back."""

RUNGS = {
    "chain": LADDER,
    "kernels": KERNELS,
    "looped": LOOPS,
    "arguments": ARRAYS,
    "results": ARRAYS,
}
"""By kind."""

COST = Cost(flops=0.0, bytes=0.0)
"""One addition of two numbers, counted as the nothing that it is beside the way to it."""

HANDED_COST = Cost(flops=float(HANDED), bytes=2.0 * 4 * HANDED)


def _case(
    name: str,
    work: float,
    parameters: dict[str, int],
    suites: tuple[str, ...] = (*QUICK, CEILINGS),
    cost: Cost = COST,
) -> Case:
    return Case(
        id=f"dispatch/{name}/f32",
        workload="dispatch",
        phase="kernel",
        dtype="f32",
        cost=cost,
        tolerance=TOLERANCE,
        suites=suites,
        memory_bytes=PROCESS_BYTES,
        work=Work(unit="call", count=work),
        parameters={"kind": name, **parameters},
    )


def _ladder(kind: str, suites: tuple[str, ...]) -> Case:
    rungs = RUNGS[kind]
    calls = sum(rungs) if kind == "chain" else len(rungs)
    return _case(kind, REPEATS * calls, {"longest": rungs[-1], "repeats": REPEATS}, suites)


CASES = (
    _case("call", 1, {}),
    _case("handed", 1, {"elements": HANDED}, (CEILINGS,), HANDED_COST),
    _case("woken", 1, {"elements": HANDED}, (CEILINGS,), HANDED_COST),
    _ladder("chain", (*QUICK, CEILINGS)),
    *(_ladder(kind, (CEILINGS,)) for kind in ("kernels", "looped", "arguments", "results")),
)
