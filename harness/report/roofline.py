"""The roofline as a picture: measured ceilings as lines with their spread, cases as points.

Williams, Waterman and Patterson, Roofline, CACM 52(4), 2009. Labels are shapes as well as colours.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EnvironmentFailure, UsageError

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware
    from harness.roofline.label import Labelled
    from harness.roofline.rates import Curve

FORMATS = (".svg", ".png")

_STYLES = {
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


def draw(cases: Sequence["Labelled"], machine: "Hardware", path: Path, title: str) -> None:
    """A picture a dtype, side by side. Raises `UsageError` for another kind of file, and
    `EnvironmentFailure` where matplotlib is missing."""
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: a plot is a file of {' or '.join(FORMATS)}")
    figure, axes, dtypes = _figure(cases, machine)
    for axis, dtype in zip(axes, dtypes, strict=True):
        _lines(axis, machine, dtype)
        _points(axis, [each for each in cases if each.dtype == dtype])
        axis.set(title=dtype, xlabel="FLOP a byte", xscale="log", yscale="log")
        axis.set_xlim(_LOWEST, _HIGHEST)
        axis.grid(visible=True, which="major", linewidth=0.3)
    axes[0].set_ylabel("FLOP a second")
    figure.suptitle(title)
    _legend(figure, axes)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)


def _figure(cases: Sequence["Labelled"], machine: "Hardware") -> tuple[Any, list[Any], list[str]]:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EnvironmentFailure("a plot needs matplotlib: pip install 'jaxrig[plot]'") from error
    mpl.rcParams.update({"svg.hashsalt": "jaxrig", "svg.fonttype": "none"})
    known = dict.fromkeys(each.dtype for each in cases)
    dtypes = [dtype for dtype in known if dtype in machine.usual.products] or ["f32"]
    figure = Figure(figsize=(5.5 * len(dtypes) + 1.5, 5.0), layout="constrained")
    axes = figure.subplots(1, len(dtypes), sharey=True, squeeze=False)[0]
    return figure, list(axes), dtypes


def _lines(axis: Any, machine: "Hardware", dtype: str) -> None:
    """The compute ceiling, and those of memory: the slowest plateau and the fastest."""
    three = (machine.worst, machine.usual, machine.best)
    low, usual, high = (each.products[dtype].peak_flops_per_s for each in three)
    axis.axhspan(low, high, color="#0072b2", alpha=0.12, linewidth=0)
    axis.axhline(usual, color="#0072b2", linewidth=1)
    for name, place in (("memory", -1), ("first cache", 0)):
        slow, rate, fast = (_reads(each.reads, place) for each in three)
        ends = (_LOWEST, _HIGHEST)
        axis.fill_between(
            ends,
            [slow * end for end in ends],
            [fast * end for end in ends],
            color="#d55e00",
            alpha=0.12,
            linewidth=0,
        )
        axis.plot(ends, [rate * end for end in ends], color="#d55e00", linewidth=1)
        axis.annotate(name, (_LOWEST * 1.1, rate * _LOWEST * 1.3), fontsize=7, color="#d55e00")
    axis.set_ylim(top=3 * high)


def _reads(curve: "Curve", place: int) -> float:
    return float(curve.rates[place])


def _points(axis: Any, cases: Sequence["Labelled"]) -> None:
    for each in cases:
        if each.flops and each.bytes:
            marker, colour = _STYLES[each.label]
            axis.plot(
                [each.flops / each.bytes],
                [each.flops / each.measured_s],
                marker=marker,
                color=colour,
                markersize=5,
                linestyle="none",
                label=each.label,
                gid=each.case,
            )


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    found: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    if found:
        figure.legend(found.values(), found.keys(), loc="outside right upper", fontsize=8)
