"""Main memory: STREAM's four streams (bandwidth), and gathers in random order (latency).

STREAM: McCalpin, Memory Bandwidth and Machine Balance in Current High Performance Computers,
IEEE TCCA Newsletter, 1995; https://www.cs.virginia.edu/stream. Its rule is that each array is
at least four times the last-level cache: 128 MiB for the 32 MiB of a server's, 256 MiB for the
50 MiB of a GPU's.
"""

from workloads.case import FULL, ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, STANDARD, Case, Cost, Work

MIB = 1 << 20

TOLERANCES = {
    # One multiplication and one addition, each rounded to 24 bits: 4e-7 of the largest element,
    # some 5 rms. A factor wrong by 1 % is 0.05 off.
    "f32": 1e-5,
    # Positions in a table: right or wrong.
    "int32": 0.0,
}

ARRAYS = {"copy": 2, "scale": 2, "add": 3, "triad": 3}
"""Arrays that a stream touches, the output included (STREAM counts no write-allocate)."""

FLOPS_PER_ELEMENT = {"copy": 0, "scale": 1, "add": 1, "triad": 2}

LINE_ELEMENTS = 32
"""Of the chased table, one int32 in so many is a link: 128 bytes, the line of a GPU's cache and
the two that a CPU's prefetcher fetches together."""


def stream_cost(name: str, *, elements: int, itemsize: int) -> Cost:
    """Arrays of `elements`: each read or written once; scale's and triad's factor is nothing."""
    return Cost(
        flops=float(FLOPS_PER_ELEMENT[name] * elements),
        bytes=float(itemsize * ARRAYS[name] * elements),
    )


def gather_cost(*, elements: int, loads: int, itemsize: int) -> Cost:
    """`loads` elements out of `elements`, by int32 positions, written one after the other.

    The least: what is picked (at most the whole table), the positions, the output. Memory
    moves whole lines, so a gather from a large table moves far more.
    """
    picked = min(loads, elements)
    return Cost(flops=0.0, bytes=float(itemsize * (picked + loads) + 4 * loads))


def chase_cost(*, loads: int, itemsize: int) -> Cost:
    """Each of `loads` is an element read, and where the next one is: latency, not bandwidth."""
    return Cost(flops=0.0, bytes=float(itemsize * loads))


def _stream(name: str, mebibytes: int, suites: tuple[str, ...], dtype: str = "f32") -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    elements = mebibytes * MIB // itemsize
    return Case(
        id=f"memory/{name}/{mebibytes}MiB/{dtype}",
        workload="memory",
        phase="kernel",
        dtype=dtype,
        cost=stream_cost(name, elements=elements, itemsize=itemsize),
        tolerance=TOLERANCES[dtype],
        suites=suites,
        # The arrays, the output on the host, the reference in float64; inputs twice when drawn.
        memory_bytes=PROCESS_BYTES + 32 * elements,
        parameters={"kernel": name, "elements": elements},
    )


def _gather(mebibytes: int, loads: int, suites: tuple[str, ...], dtype: str = "f32") -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    elements = mebibytes * MIB // itemsize
    return Case(
        id=f"memory/gather/{mebibytes}MiB/{dtype}",
        workload="memory",
        phase="kernel",
        dtype=dtype,
        cost=gather_cost(elements=elements, loads=loads, itemsize=itemsize),
        tolerance=TOLERANCES[dtype],
        suites=suites,
        memory_bytes=PROCESS_BYTES + 12 * elements + 40 * loads,
        work=Work(unit="load", count=loads),
        parameters={"kernel": "gather", "elements": elements, "loads": loads},
    )


def _chase(mebibytes: int, loads: int, suites: tuple[str, ...]) -> Case:
    elements = mebibytes * MIB // ITEMSIZE_BYTES["int32"]
    return Case(
        id=f"memory/chase/{mebibytes}MiB/int32",
        workload="memory",
        phase="kernel",
        dtype="int32",
        cost=chase_cost(loads=loads, itemsize=ITEMSIZE_BYTES["int32"]),
        tolerance=TOLERANCES["int32"],
        suites=suites,
        memory_bytes=PROCESS_BYTES + 12 * elements,
        work=Work(unit="load", count=loads),
        parameters={"kernel": "chase", "elements": elements, "loads": loads},
    )


CASES = (
    _stream("triad", 64, QUICK),
    *(_stream(name, 128, STANDARD) for name in ARRAYS),
    *(_stream(name, 1024, FULL) for name in ARRAYS),
    _gather(16, 2**18, QUICK),
    _gather(256, 2**20, STANDARD),
    _chase(256, 2**14, STANDARD),
)
