"""Which limit explains a case's time: the rules, and their constants with reasons.

The rules are those of a tested label: it says `unexplained` and `invalid` as readily as a limit's
name, for a roofline that explains everything explains nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.roofline.terms import Bounds
from workloads.catalog import Case

Label = Literal[
    "compute",
    "bandwidth",
    "dispatch",
    "link",
    "storage",
    "capacity",
    "mixed",
    "unexplained",
    "invalid",
]

LEAST = 0.95
"""Of the lower bound: what is faster still was not computed, or its ceiling is wrong. Ceilings at
their best scatter by a few per cent."""

MOST = 1.25
"""Of the upper bound: what is slower still does something that no ceiling tells. As much as two
launches of one program differ on a shared machine."""

LEADS = 1.3
"""The largest term over the next: closer together, twice the one would be half as much gained as
the label promises."""

BEATEN = 1.05
"""Of a ceiling: who is faster raises it, or it is doubted."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """`flops`, `bytes`, `measured_s`: of one call. `fraction_of_ceiling`: the lower bound over it:
    at most 1, but for what is `invalid`, and 1 where the binding ceiling at its best is reached.
    `mfu`: of the most FLOP/s that this machine reaches in this dtype (Chowdhery et al., PaLM, 2022,
    appendix B); None without FLOP. `twice`: how many times faster with twice of each limit."""

    case: str
    dtype: str
    flops: float
    bytes: float
    label: Label
    measured_s: float
    bounds: Bounds
    fraction_of_ceiling: float
    mfu: float | None
    twice: Mapping[str, float]

    @property
    def binding(self) -> str:
        """The limit that takes longest, whatever the label."""
        return largest(self.bounds)


def label(
    case: Case,
    measured_s: float,
    bounds: Bounds,
    *,
    peak_flops_per_s: float | None = None,
    full: bool = False,
) -> Labelled:
    """`peak_flops_per_s`: of the case's dtype; `full`: memory is what keeps it from more (see
    `harness.roofline.capacity`)."""
    terms = bounds.terms.by_limit()
    flops = case.cost.flops
    return Labelled(
        case=case.id,
        dtype=case.dtype,
        flops=flops,
        bytes=case.cost.bytes,
        label=_label(measured_s, bounds, full=full),
        measured_s=measured_s,
        bounds=bounds,
        fraction_of_ceiling=bounds.low_s / measured_s,
        mfu=flops / measured_s / peak_flops_per_s if flops and peak_flops_per_s else None,
        twice={limit: _faster(term_s, bounds, measured_s) for limit, term_s in terms.items()},
    )


def largest(bounds: Bounds) -> str:
    terms = bounds.terms.by_limit()
    return max(terms, key=terms.__getitem__)


def _label(measured_s: float, bounds: Bounds, *, full: bool) -> Label:
    if measured_s < LEAST * bounds.low_s:
        return "invalid"
    if full:
        return "capacity"
    if measured_s > MOST * bounds.high_s:
        return "unexplained"
    terms = bounds.terms.by_limit()
    first, second = sorted(terms.values(), reverse=True)[:2]
    if first < LEADS * second:
        return "mixed"
    return largest(bounds)  # type: ignore[return-value]


def _faster(term_s: float, bounds: Bounds, measured_s: float) -> float:
    """With twice of one limit: its term is halved, and the rest of the time stays. Terms that add
    up to more than was measured overlap, and are taken in proportion."""
    share = term_s / max(bounds.terms.total_s, measured_s)
    return 1 / (1 - share / 2)
