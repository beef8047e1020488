"""The way to the device and back: a computation that is next to nothing."""

from workloads.case import PROCESS_BYTES, QUICK, Case, Cost, Work

TOLERANCE = 0.0
"""A whole number below 2^24, counted up by one with each call: right or wrong."""

LADDER = (1, 2, 4, 8, 16, 32, 64)
"""Calls that are started before the last one is waited for: the N of T(N) = a + b N."""

REPEATS = 5
"""Times that the ladder is climbed in one call of the case."""

COST = Cost(flops=0.0, bytes=0.0)
"""One addition of two numbers, counted as the nothing that it is beside the way to it."""


def _case(name: str, work: float, parameters: dict[str, int]) -> Case:
    return Case(
        id=f"dispatch/{name}/f32",
        workload="dispatch",
        phase="kernel",
        dtype="f32",
        cost=COST,
        tolerance=TOLERANCE,
        suites=QUICK,
        memory_bytes=PROCESS_BYTES,
        work=Work(unit="call", count=work),
        parameters={"kind": name, **parameters},
    )


CASES = (
    _case("call", 1, {}),
    _case("chain", REPEATS * sum(LADDER), {"longest": LADDER[-1], "repeats": REPEATS}),
)
