"""A bar of terms per case: what each limit takes, as a share of what was measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.report.roofline import STYLES

if TYPE_CHECKING:
    from harness.roofline.label import Labelled

_WIDEST = 2.0
"""Times what was measured: of a bound beyond, no more is to be seen than that it is beyond."""


def draw_terms(axis: Any, cases: Sequence["Labelled"]) -> None:
    """On axes of matplotlib's: bars of the terms as they usually are, one after the other, the
    bounds as a line with ends, and what was measured at 1."""
    places = range(len(cases))
    starts = [0.0] * len(cases)
    for limit, (_, colour) in STYLES.items():
        shares = [each.bounds.terms.by_limit().get(limit, 0.0) / each.measured_s for each in cases]
        if any(shares):
            bars = axis.barh(places, shares, left=starts, height=0.7, color=colour, label=limit)
            for bar, each in zip(bars, cases, strict=True):
                bar.set_gid(bar_id(each.case))
            starts = [start + share for start, share in zip(starts, shares, strict=True)]
    for place, each in zip(places, cases, strict=True):
        ends = (each.bounds.low_s / each.measured_s, each.bounds.high_s / each.measured_s)
        axis.plot(ends, [place, place], color="black", linewidth=0.8, marker="|", markersize=5)
    axis.axvline(1.0, color="black", linewidth=1, linestyle="dashed")
    axis.set_yticks(places, [f"{each.case}  {each.label}" for each in cases], fontsize=7)
    axis.set(xlim=(0, _WIDEST), ylim=(len(cases) - 0.5, -0.5))
    axis.set_xlabel("of the measured time: terms, and the bounds as a line")


def bar_id(case: str) -> str:
    """Of each part of the case's bar in an SVG."""
    return f"bar {case}"
