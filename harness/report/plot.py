"""Rooflines and bars of terms in one file: `jaxrig bottleneck --plot FILE`."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from harness.errors import EnvironmentFailure, UsageError
from harness.report import quantity
from harness.report.roofline import draw_rooflines, dtypes_of, point_id
from harness.report.terms import bar_id, draw_terms

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware
    from harness.roofline.label import Labelled

FORMATS = (".svg", ".png")

_SVG = "http://www.w3.org/2000/svg"
_SPACES = {"": _SVG, "xlink": "http://www.w3.org/1999/xlink"}

_ROOFLINE_INCHES, _CASE_INCHES, _AXIS_INCHES = 5.0, 0.19, 0.9
"""High; and of the bars, a case each and the axis below them."""


def plot(cases: Sequence["Labelled"], machine: "Hardware", path: Path, title: str) -> None:
    """A roofline per dtype side by side, and below them a bar per case. In an SVG each case tells
    its numbers where one points at it. Raises `UsageError` for another kind of file, and
    `EnvironmentFailure` where matplotlib is missing or the file cannot be written."""
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: a plot is a file of {' or '.join(FORMATS)}")
    if not (dtypes := dtypes_of(cases, machine)):
        raise UsageError("the ceilings tell of no product: there is no roofline to draw")
    figure = _figure(cases, machine, dtypes, title)
    try:
        if path.suffix == ".svg":
            path.write_text(_svg(figure, cases), encoding="utf-8")
        else:
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise EnvironmentFailure(f"{path} cannot be written: {error}") from error


def _figure(
    cases: Sequence["Labelled"], machine: "Hardware", dtypes: Sequence[str], title: str
) -> Any:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EnvironmentFailure("a plot needs matplotlib: pip install 'jaxrig[plot]'") from error
    mpl.rcParams.update({"svg.hashsalt": "jaxrig", "svg.fonttype": "none"})
    heights = [_ROOFLINE_INCHES, _AXIS_INCHES + _CASE_INCHES * len(cases)]
    width = max(5.5 * len(dtypes) + 1.5, 9.0)
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=heights)
    upper, lower = halves
    rooflines = upper.subplots(1, len(dtypes), sharey=True, squeeze=False)[0]
    draw_rooflines(rooflines, cases, machine, dtypes)
    rooflines[0].set_ylabel("FLOP a second")
    bars = lower.subplots()
    draw_terms(bars, cases)
    _legend(upper, rooflines)
    _legend(lower, [bars])
    figure.suptitle(title)
    return figure


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    found: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    if found:
        figure.legend(found.values(), found.keys(), loc="outside right upper", fontsize=8)


def _svg(figure: Any, cases: Sequence["Labelled"]) -> str:
    """With what browsers show of an element that is pointed at."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    for prefix, address in _SPACES.items():
        ElementTree.register_namespace(prefix, address)
    root = ElementTree.fromstring(text.getvalue())  # noqa: S314 (matplotlib's own)
    told = {name(each.case): _told(each) for each in cases for name in (point_id, bar_id)}
    for group in root.iter(f"{{{_SVG}}}g"):
        if (words := told.get(group.get("id", ""))) is not None:
            del group.attrib["id"]  # a bar has several parts, and an id is of one
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = words
            group.insert(0, title)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _told(each: "Labelled") -> str:
    low, high = (quantity.seconds(end) for end in (each.bounds.low_s, each.bounds.high_s))
    lines = [
        f"{each.case}: {each.label}",
        f"measured {quantity.seconds(each.measured_s)}, bounds {low} to {high}",
        f"{quantity.percent(each.fraction_of_ceiling)} of its ceiling",
    ]
    if each.mfu is not None:
        speed = quantity.rate(each.flops / each.measured_s, "FLOP/s")
        lines.append(f"{speed}, MFU {quantity.percent(each.mfu)}")
    terms = each.bounds.terms.by_limit()
    lines += [f"{limit} {quantity.seconds(took_s)}" for limit, took_s in terms.items() if took_s]
    return "\n".join(lines)
