"""Who made a case slower: the machine, whose ceilings fell as well, the compiler, or itself.

Ceilings are those of a machine and an image. Where they fell, and were measured with another image,
it may have been either of the two.

Whether it is slower at all is for `jaxrig compare` to say, which knows how runs scatter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

from harness.bottleneck import Known, known_cases
from harness.roofline.ceilings import Hardware
from harness.roofline.terms import bounds

if TYPE_CHECKING:
    import pandas as pd

Cause = Literal["machine", "machine or image", "compiler", "itself", "none"]

SHARE = 0.5
"""Of a change, as a logarithm: where the ceilings explain so much of it, it is the machine's."""

FLOOR = 0.02
"""Nearer to 1 nothing changed that is worth a cause."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """`ratio`: candidate over base, above 1 it is slower. `ceilings_ratio`: of the same work by the
    ceilings of either, None where they do not tell it all. `same_hlo`: None where either does not
    tell."""

    case: str
    base_s: float
    candidate_s: float
    ratio: float
    ceilings_ratio: float | None
    same_hlo: bool | None
    cause: Cause


def changes(
    base: "pd.DataFrame",
    candidate: "pd.DataFrame",
    hardware: tuple[Hardware, Hardware],
    *,
    same_stack: bool,
) -> Iterator[Change]:
    """Of the cases that both have, in the base's order. `hardware`: of either; `same_stack`:
    whether their ceilings were measured with the same image."""
    others = {each.case.id: each for each in known_cases(candidate)}
    for each in known_cases(base):
        if (other := others.get(each.case.id)) is not None:
            yield _change(each, other, hardware, same_stack=same_stack)


def _change(
    base: Known, candidate: Known, hardware: tuple[Hardware, Hardware], *, same_stack: bool
) -> Change:
    """By the base's program on both: what the compiler did since is not the machine's."""
    first, second = (bounds(base.case, base.operations, base.ran, each) for each in hardware)
    ratio = candidate.measured_s / base.measured_s
    ceilings_ratio = None
    if first.terms.total_s and second.terms.total_s and not (first.unknown or second.unknown):
        ceilings_ratio = second.terms.total_s / first.terms.total_s
    same = _same(base.hlo_sha256, candidate.hlo_sha256)
    cause = _cause(ratio, ceilings_ratio, same)
    if cause == "machine" and not same_stack:
        cause = "machine or image"
    return Change(
        case=base.case.id,
        base_s=base.measured_s,
        candidate_s=candidate.measured_s,
        ratio=ratio,
        ceilings_ratio=ceilings_ratio,
        same_hlo=same,
        cause=cause,
    )


def _same(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one == other


def _cause(ratio: float, ceilings_ratio: float | None, same_hlo: bool | None) -> Cause:
    if abs(ratio - 1) < FLOOR:
        return "none"
    if ceilings_ratio is not None and log(ceilings_ratio) / log(ratio) >= SHARE:
        return "machine"
    return "compiler" if same_hlo is False else "itself"
