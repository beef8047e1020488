"""The link between the host's memory and the device's, in both directions."""

from collections.abc import Mapping
from types import MappingProxyType

from workloads.case import (
    CEILINGS,
    FULL,
    ITEMSIZE_BYTES,
    PROCESS_BYTES,
    QUICK,
    STANDARD,
    Case,
    Cost,
)

MIB = 1 << 20

TOLERANCE = 0.0
"""Every byte is compared."""

SIZES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: (*QUICK, CEILINGS), 16: (CEILINGS,), 64: STANDARD, 1024: FULL}
)
"""Suites by MiB: one transfer that is mostly latency, and those that are all bandwidth."""

DIRECTIONS = ("to-device", "to-host")


def cost(*, size_bytes: int) -> Cost:
    """Each byte crosses once. What memory is read and written at the ends is not counted: on a
    device with memory of its own it overlaps, and is faster than any link."""
    return Cost(flops=0.0, bytes=0.0, link_bytes=float(size_bytes))


def _case(direction: str, mebibytes: int, suites: tuple[str, ...], dtype: str = "f32") -> Case:
    return Case(
        id=f"link/{mebibytes}MiB/{direction}/{dtype}",
        workload="link",
        phase=direction,
        dtype=dtype,
        cost=cost(size_bytes=mebibytes * MIB),
        tolerance=TOLERANCE,
        suites=suites,
        # Both ends, the source of the one to the host, and a copy while it is drawn.
        memory_bytes=PROCESS_BYTES + 5 * mebibytes * MIB,
        parameters={
            "direction": direction,
            "elements": mebibytes * MIB // ITEMSIZE_BYTES[dtype],
        },
    )


CASES = tuple(
    _case(direction, mebibytes, suites)
    for mebibytes, suites in SIZES.items()
    for direction in DIRECTIONS
)
