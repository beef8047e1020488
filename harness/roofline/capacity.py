"""How much memory there is, and whether it binds: the next size does not fit, and throughput was
still rising.

It is counterfactual: a case that fits runs no faster on a machine with more memory, but a larger
batch would. So it is told of searches for the largest that fits, and of nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.roofline.ceilings import Timed

RISING = 0.5
"""Of the logarithms of throughput and size: half as much more as the size is, at least. Less is not
worth the memory."""

APART = 1.1
"""The largest over the smallest that fits: nearer together, noise decides."""

_FITS = re.compile(r"tokens_per_s_at_(\w+?)_(\d+)")
_FAILS = re.compile(r"does_not_fit_(\w+?)_(\d+)")


def is_full(observations: Mapping[str, int | float | str]) -> bool:
    """`observations` of a capacity case."""
    throughputs = {
        int(told[2]): float(value)
        for name, value in observations.items()
        if (told := _FITS.fullmatch(name))
    }
    fails = [int(told[2]) for name in observations if (told := _FAILS.fullmatch(name))]
    if not throughputs or not fails or max(fails) <= max(throughputs):
        return False
    smallest, largest = min(throughputs), max(throughputs)
    if largest < APART * smallest:
        return False
    gained = log(throughputs[largest] / throughputs[smallest])
    return gained > RISING * log(largest / smallest)


def allocatable_bytes(measured: "Iterable[Timed]") -> float | None:
    """By the ceilings' run: the most memory that a process could have."""
    for each in measured:
        if (told_bytes := each.observations.get("allocatable_bytes")) is not None:
            return float(told_bytes)
    return None
