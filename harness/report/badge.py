"""A badge: how many regressions are open, as an SVG that needs nothing but itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report import markup
from harness.report.regressions import count
from harness.states import OPEN

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from harness.regressions import Regression

_SVG = "http://www.w3.org/2000/svg"

_HEIGHT, _BASELINE, _MARGIN = 20, 14, 6
_CHARACTER = 6.5
"""Wide, in the font's size: what is shown is set to the width that follows."""

NAME = "#404040"
NONE, SOME = "#1a7f37", "#a04000"
"""What is written on them is white, and says the same to those who do not tell them apart."""


def badge(found: Sequence["Regression"]) -> str:
    """`jaxrig | 2 regressions open`. `found`: in whichever state."""
    still = [each for each in found if each.state in OPEN]
    parts = (("jaxrig", NAME), (count(still, "open"), SOME if still else NONE))
    widths = [_width(text) for text, _ in parts]
    told = ": ".join(text for text, _ in parts)
    size = {"width": str(sum(widths)), "height": str(_HEIGHT)}
    outermost = markup.root("svg", xmlns=_SVG, role="img", aria_label=told, **size)
    markup.child(outermost, "title", told)
    for place, (text, colour) in enumerate(parts):
        _add(outermost, sum(widths[:place]), text, colour)
    return markup.document(outermost)


def _width(text: str) -> int:
    return round(_CHARACTER * len(text)) + 2 * _MARGIN


def _add(outermost: "Element", x: int, text: str, colour: str) -> None:
    width = _width(text)
    place = {"x": str(x), "width": str(width)}
    markup.child(outermost, "rect", height=str(_HEIGHT), fill=colour, **place)
    markup.child(
        outermost,
        "text",
        text,
        x=str(x + _MARGIN),
        y=str(_BASELINE),
        textLength=str(width - 2 * _MARGIN),
        fill="#ffffff",
        font_family="Verdana, DejaVu Sans, sans-serif",
        font_size="11",
    )
