"""Rooflines and bars of terms as the page's script draws them: those of `report.roofline` and
`report.terms`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report import quantity
from harness.report.roofline import STYLES, Range, dtypes_of, ranges
from harness.report.site import addresses

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware
    from harness.roofline.label import Labelled

_SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "P": "cross",
    "h": "hexagon",
    "X": "x",
    "v": "triangle-down",
    "*": "star",
}
"""matplotlib's markers as Plotly names them."""


def rooflines(cases: Sequence["Labelled"], machine: "Hardware") -> list[Mapping[str, Any]]:
    """One a dtype."""
    drawn = [each for each in cases if each.flops and each.bytes]
    dtypes = dtypes_of(drawn, machine)
    x, y = ranges([each for each in drawn if each.dtype in dtypes], machine, dtypes)
    return [
        {
            "kind": "roofline",
            "title": dtype,
            "ceilings": _ceilings(machine, dtype, x),
            "points": _points([each for each in drawn if each.dtype == dtype]),
            "x": x,
            "y": y,
        }
        for dtype in dtypes
    ]


def _ceilings(machine: "Hardware", dtype: str, span: Range) -> list[Mapping[str, Any]]:
    """Lines with their spread: `worst`, `usual` and `best` at either end of `x`."""
    three = {"worst": machine.worst, "usual": machine.usual, "best": machine.best}
    found: list[Mapping[str, Any]] = []
    for name, place in (("memory", -1), ("first cache", 0)):
        rates = {end: float(each.reads.rates[place]) for end, each in three.items()}
        lines = {end: [rate * x for x in span] for end, rate in rates.items()}
        found.append(
            {
                "name": f"{name}, {quantity.rate(rates['usual'], 'B/s')}",
                "limit": "bandwidth",
                "colour": STYLES["bandwidth"][1],
                "x": span,
                **lines,
            }
        )
    peaks = {end: each.products[dtype].peak_flops_per_s for end, each in three.items()}
    found.append(
        {
            "name": f"compute, {quantity.rate(peaks['usual'], 'FLOP/s')}",
            "limit": "compute",
            "colour": STYLES["compute"][1],
            "x": span,
            **{end: [peak, peak] for end, peak in peaks.items()},
        }
    )
    return found


def _points(cases: Sequence["Labelled"]) -> list[Mapping[str, Any]]:
    """By label, so that each is one line of the legend."""
    found: list[Mapping[str, Any]] = []
    for label, (marker, colour) in STYLES.items():
        some = [each for each in cases if each.label == label]
        if some:
            found.append(
                {
                    "name": label,
                    "colour": colour,
                    "symbol": _SYMBOLS[marker],
                    "x": [each.flops / each.bytes for each in some],
                    "y": [each.flops / each.measured_s for each in some],
                    "case": [each.case for each in some],
                    "page": [addresses.of_case(each.case) for each in some],
                    "told": [_told(each) for each in some],
                }
            )
    return found


def _told(each: "Labelled") -> str:
    low, high = quantity.seconds(each.bounds.low_s), quantity.seconds(each.bounds.high_s)
    share = quantity.percent(each.fraction_of_ceiling)
    return f"measured {quantity.seconds(each.measured_s)}, bounds {low} to {high}, {share}"


def terms(cases: Sequence["Labelled"]) -> Mapping[str, Any]:
    """What each limit takes of each case, as shares of what was measured."""
    shares = {
        limit: [each.bounds.terms.by_limit().get(limit, 0.0) / each.measured_s for each in cases]
        for limit in STYLES
    }
    return {
        "kind": "terms",
        "title": "terms",
        "cases": [f"{each.case}: {each.label}" for each in cases],
        "low": [each.bounds.low_s / each.measured_s for each in cases],
        "high": [each.bounds.high_s / each.measured_s for each in cases],
        "limits": [
            {"name": limit, "colour": STYLES[limit][1], "shares": of_limit}
            for limit, of_limit in shares.items()
            if any(of_limit)
        ],
    }
