"""What all cores of a machine bring to a case over one of them, and what they wait for each other.

Threads are woken, work is shared out, and what is short is over before. Of a case's computing what
shrinks with the number of cores is `compute`; what does not is the price of sharing, and is told as
`dispatch`: faster cores would help, more of them would not.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.roofline.ceilings import Hardware
from harness.roofline.terms import Bounds, Ran, Terms, bounds
from workloads.catalog import Case
from workloads.catalog.operations import Operation


def shared_bounds(
    case: Case, operations: Sequence[Operation], ran: Ran | None, hardware: Hardware
) -> Bounds:
    """As `bounds`; where ceilings of one core are known, with what cores wait for each other told
    apart. What asks for several devices waits for these."""
    found = bounds(case, operations, ran, hardware)
    gained = hardware.gained.get(case.dtype)
    if hardware.one_core is None or gained is None or case.devices > 1:
        return found
    one = hardware.one_core
    alone = bounds(case, operations, ran, Hardware(best=one, usual=one, worst=one))
    return found if alone.unknown else _parted(found, alone, gained)


def _parted(found: Bounds, alone: Bounds, gained: float) -> Bounds:
    """`alone`: of the same case by the ceilings of one core. Bounds and sums stay as they are."""
    parts = zip(found.parts, alone.parts, strict=True)
    return replace(
        found,
        terms=_less_waiting(found.terms, alone.terms, gained),
        parts=tuple(
            replace(part, terms=_less_waiting(part.terms, other.terms, gained))
            for part, other in parts
        ),
    )


def _less_waiting(terms: Terms, alone: Terms, gained: float) -> Terms:
    computed_s = min(terms.compute_s, alone.compute_s / gained)
    waited_s = terms.compute_s - computed_s
    return replace(terms, compute_s=computed_s, dispatch_s=terms.dispatch_s + waited_s)
