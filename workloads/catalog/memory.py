"""Main memory: STREAM's four streams (bandwidth), and gathers in random order (latency).

STREAM: McCalpin, Memory Bandwidth and Machine Balance in Current High Performance Computers,
IEEE TCCA Newsletter, 1995; https://www.cs.virginia.edu/stream. Its rule is that each array is
at least four times the last-level cache: 128 MiB for the 32 MiB of a server's, 256 MiB for the
50 MiB of a GPU's.

Sweeps go over one array again and again within a call, from what the first cache holds to far
more than the last: bandwidth by working set, reads, writes and both apart. A read is a product of a
matrix and a vector, of all that XLA does on CPU what comes closest to the memory's speed, and what
decoding does with its weights.
"""

from workloads.case import (
    CEILINGS,
    FULL,
    ITEMSIZE_BYTES,
    PROCESS_BYTES,
    QUICK,
    STANDARD,
    Case,
    Cost,
    Work,
)

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

TOLERANCES = {
    # One multiplication and one addition, each rounded to 24 bits: 4e-7 of the largest element,
    # some 5 rms. A factor wrong by 1 % is 0.05 off.
    "f32": 1e-5,
    # Positions in a table: right or wrong.
    "int32": 0.0,
}

SWEEP_TOLERANCES = {"f32": 1e-2, "bf16": 0.025}
"""Thousands of passes, each rounded: 1e-5 seen, 0.011 in bf16. A pass that is left out costs 1."""

ARRAYS = {"copy": 2, "scale": 2, "add": 3, "triad": 3}
"""Arrays that a stream touches, the output included (STREAM counts no write-allocate)."""

FLOPS_PER_ELEMENT = {"copy": 0, "scale": 1, "add": 1, "triad": 2}

SWEEPS = {"read": 1, "write": 1, "update": 2, "transpose": 2}
"""How often a pass of a sweep moves each element between the array and the processor."""

SWEEP_FLOPS_PER_ELEMENT = {"read": 2, "write": 0, "update": 1, "transpose": 1}

SWEEP_BYTES = 256 * MIB
"""What a call moves through at least: 5 ms at 50 GB/s, and on a GPU twice its dispatch."""

ONCE_BYTES = 16 * MIB
"""Arrays of that size and more are written and updated once in a call: XLA shares what is outside
of a loop among the cores of a CPU, and what is within one only where it is a product."""

TRANSPOSED_BYTES = 32 * MIB
"""The same of a transposition, which is some ten times slower on CPU."""

SWEEP_SIZES = tuple(16 * KIB * 4**step for step in range(8))
"""Of the array, from 16 KiB to 256 MiB, each a square matrix."""

UPDATED_SIZES = (*SWEEP_SIZES[:5:2], *SWEEP_SIZES[5:])

LINE_ELEMENTS = 32
"""Of the chased table, one int32 in so many is a link: 128 bytes, the line of a GPU's cache and
the two that a CPU's prefetcher fetches together."""


def stream_cost(name: str, *, elements: int, itemsize: int) -> Cost:
    """Arrays of `elements`: each read or written once; scale's and triad's factor is nothing."""
    return Cost(
        flops=float(FLOPS_PER_ELEMENT[name] * elements),
        bytes=float(itemsize * ARRAYS[name] * elements),
    )


def sweep_cost(name: str, *, elements: int, passes: int, itemsize: int) -> Cost:
    """`passes` over `elements`: not the traffic to memory, but to wherever the array lies."""
    return Cost(
        flops=float(SWEEP_FLOPS_PER_ELEMENT[name] * elements * passes),
        bytes=float(itemsize * SWEEPS[name] * elements * passes),
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


AGAIN = (("read", 256 * MIB), ("write", 64 * MIB), ("update", 256 * MIB))
"""Ceilings that a run measures once more: what lies beyond the caches is shared with whoever else
uses the memory, and drifts furthest of all (seen: by a factor of 1.8 within three minutes)."""


def _sweep(name: str, size_bytes: int, dtype: str = "f32") -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    elements = size_bytes // itemsize
    through = TRANSPOSED_BYTES if name == "transpose" else SWEEP_BYTES
    # An odd number: an even one of updates or of transpositions would leave all as it was.
    once = name in ("write", "update") and size_bytes >= ONCE_BYTES
    passes = 1 if once else max(1, through // size_bytes - 1) | 1
    return Case(
        id=f"memory/{name}/{_size(size_bytes)}/{dtype}",
        workload="memory",
        phase="kernel",
        dtype=dtype,
        cost=sweep_cost(name, elements=elements, passes=passes, itemsize=itemsize),
        # Whole numbers are written: right or wrong.
        tolerance=0.0 if name == "write" else SWEEP_TOLERANCES[dtype],
        suites=(*STANDARD, CEILINGS) if (name, size_bytes) in AGAIN else (CEILINGS,),
        # The array, twice while it is made and once more while it is looked through; one that is
        # transposed is compared in float64.
        memory_bytes=PROCESS_BYTES + (12 if name == "transpose" else 3) * size_bytes,
        parameters={"kernel": name, "elements": elements, "passes": passes},
    )


def _size(size_bytes: int) -> str:
    """16KiB, 4MiB, 2GiB."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB")):
        if size_bytes % unit == 0:
            return f"{size_bytes // unit}{name}"
    return f"{size_bytes // KIB}KiB"


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


def _allocate(mebibytes: int, dtype: str = "f32") -> Case:
    """Fresh memory, every page of it touched: what it costs not to reuse it."""
    elements = mebibytes * MIB // ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"memory/allocate/{mebibytes}MiB/{dtype}",
        workload="memory",
        phase="kernel",
        dtype=dtype,
        cost=Cost(flops=0.0, bytes=float(mebibytes * MIB)),
        tolerance=TOLERANCES[dtype],
        suites=(CEILINGS,),
        memory_bytes=PROCESS_BYTES + 3 * mebibytes * MIB,
        parameters={"kernel": "allocate", "elements": elements},
    )


CASES = (
    _stream("triad", 64, QUICK),
    *(_stream(name, 128, STANDARD) for name in ARRAYS),
    *(_stream(name, 1024, FULL) for name in ARRAYS),
    *(_sweep("read", size_bytes) for size_bytes in SWEEP_SIZES),
    *(_sweep("write", size_bytes) for size_bytes in SWEEP_SIZES[::2]),
    *(_sweep("update", size_bytes) for size_bytes in UPDATED_SIZES),
    *(_sweep("transpose", size_bytes) for size_bytes in (64 * KIB, MIB)),
    _sweep("transpose", 64 * KIB, "bf16"),
    _sweep("read", 1280 * MIB),  # four times a last cache of 320 MiB
    _gather(1, 2**18, (CEILINGS,)),
    _gather(16, 2**18, (*QUICK, CEILINGS)),
    _gather(256, 2**20, (*STANDARD, CEILINGS)),
    _chase(256, 2**14, (*STANDARD, CEILINGS)),
    _allocate(64),
)
