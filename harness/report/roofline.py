"""The roofline as a picture: measured ceilings as lines with their spread, cases as points.

Williams, Waterman and Patterson, Roofline, CACM 52(4), 2009. Labels are shapes as well as colours.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware
    from harness.roofline.label import Labelled
    from harness.roofline.rates import Curve

STYLES = {
    "compute": ("o", "#0072b2"),
    "bandwidth": ("s", "#d55e00"),
    "dispatch": ("^", "#009e73"),
    "link": ("D", "#cc79a7"),
    "storage": ("P", "#e69f00"),
    "capacity": ("h", "#56b4e9"),
    "mixed": ("X", "#5c5c5c"),
    "unexplained": ("v", "#000000"),
    "invalid": ("*", "#b00020"),
}
"""Of the labels; colours that the colour-blind tell apart (Okabe and Ito, 2008)."""

_LOWEST, _HIGHEST = 2.0**-4, 2.0**12
"""FLOP a byte."""


def dtypes_of(cases: Sequence["Labelled"], machine: "Hardware") -> list[str]:
    """Of the cases, as far as their ceilings are known, or the first that is: a picture each."""
    known = dict.fromkeys(each.dtype for each in cases)
    told = machine.usual.products
    return [dtype for dtype in known if dtype in told] or list(told)[:1]


def draw_rooflines(
    axes: Sequence[Any], cases: Sequence["Labelled"], machine: "Hardware", dtypes: Sequence[str]
) -> None:
    """On axes of matplotlib's, a dtype each. All show the same ranges, so that they compare."""
    drawn = [each for each in cases if each.dtype in dtypes and each.flops and each.bytes]
    for axis, dtype in zip(axes, dtypes, strict=True):
        axis.set(title=dtype, xlabel="FLOP a byte", xscale="log", yscale="log")
        _lines(axis, machine, dtype)
        _points(axis, [each for each in drawn if each.dtype == dtype])
        axis.grid(visible=True, which="major", linewidth=0.3)
    (left, right), (bottom, top) = ranges(drawn, machine, dtypes)
    for axis in axes:
        axis.set_xlim(left, right)
        axis.set_ylim(bottom, top)


Range = tuple[float, float]


def ranges(
    drawn: Sequence["Labelled"], machine: "Hardware", dtypes: Sequence[str]
) -> tuple[Range, Range]:
    """What is in view: FLOP a byte, and FLOP a second."""
    speeds = [each.flops / each.measured_s for each in drawn]
    speeds += [machine.best.products[dtype].peak_flops_per_s for dtype in dtypes]
    slowest = min([machine.worst.reads.rates[-1] * _LOWEST, *speeds])
    intensities = [each.flops / each.bytes for each in drawn]
    return (
        (min([_LOWEST, *intensities]) / 1.5, max([_HIGHEST, *intensities]) * 1.5),
        (slowest / 2, 3 * max(speeds)),
    )


def _lines(axis: Any, machine: "Hardware", dtype: str) -> None:
    """The compute ceiling, and those of memory: the slowest plateau and the fastest."""
    three = (machine.worst, machine.usual, machine.best)
    low, usual, high = (each.products[dtype].peak_flops_per_s for each in three)
    axis.axhspan(low, high, color="#0072b2", alpha=0.12, linewidth=0)
    axis.axhline(usual, color="#0072b2", linewidth=1)
    for name, place in (("memory", -1), ("first cache", 0)):
        slow, rate, fast = (_reads(each.reads, place) for each in three)
        ends = (_LOWEST / 100, _HIGHEST * 100)  # past whatever is in view
        axis.fill_between(
            ends,
            [slow * end for end in ends],
            [fast * end for end in ends],
            color="#d55e00",
            alpha=0.12,
            linewidth=0,
        )
        axis.plot(ends, [rate * end for end in ends], color="#d55e00", linewidth=1)
        axis.annotate(
            name,
            (_LOWEST, rate * _LOWEST),
            xytext=(10, -4),
            textcoords="offset points",
            fontsize=7,
            color="#d55e00",
        )


def _reads(curve: "Curve", place: int) -> float:
    return float(curve.rates[place])


def point_id(case: str) -> str:
    """Of the case's point in an SVG."""
    return f"point {case}"


def _points(axis: Any, cases: Sequence["Labelled"]) -> None:
    for each in cases:
        marker, colour = STYLES[each.label]
        axis.plot(
            [each.flops / each.bytes],
            [each.flops / each.measured_s],
            marker=marker,
            color=colour,
            markersize=5,
            linestyle="none",
            label=each.label,
            gid=point_id(each.case),
        )
