"""A series as dots on a terminal: its points, its levels as lines, its changes as letters."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report.changes import amount, place_of

if TYPE_CHECKING:
    from harness.changes import Series

ROWS = 8

_NARROWEST = 20
"""Characters across, however narrow a terminal is."""

_BEYOND = 6.0
"""Spreads from all levels, from which on a point is drawn at the edge: one bad night would make a
line of all others."""

_UPPER, _LOWER = 0x1B, 0xE4
"""The dots of a braille character that are in either half of it."""

_BLANK = 0x2800


def plot_lines(series: "Series", names: Sequence[str], width: int, *, braille: bool) -> list[str]:
    """In so many characters. `names`: of the changes, letters. Without `braille` in ASCII alone."""
    low, high = _ends(series)
    labels = [amount(value, series.unit) for value in (high, (low + high) / 2, low)]
    margin = max(map(len, labels))
    across = max(width - margin - 3, _NARROWEST)
    rows = _canvas(series, across, low, high)
    table = _BRAILLE if braille else _ASCII
    side, corner, bottom = "│└─" if braille else "|+-"
    beyond = sum(not low <= each.value <= high for each in series.points)
    edge = [labels[0], *[""] * (ROWS // 2 - 1), labels[1], *[""] * (ROWS // 2 - 2), labels[2]]
    return [
        f"{series.where['case']} {place_of(series.where)}"
        + (f"; {beyond} point(s) beyond, at the edge" if beyond else ""),
        *(f"{'':{margin}}  {line}" for line in _letters(series, names, across)),
        *(
            f"{label:>{margin}} {side}{row.translate(table)}".rstrip()
            for label, row in zip(edge, rows, strict=True)
        ),
        f"{'':{margin}} {corner}{bottom * across}",
        f"{'':{margin}}  {_times(series, across)}",
    ]


def legend_lines(series: "Series", names: Sequence[str]) -> Iterator[str]:
    """A line a change."""
    for name, each in zip(names, series.changed(), strict=True):
        change = each.change
        before, after = (amount(value, each.unit) for value in (change.before, change.after))
        yield (
            f"{name}: since {each.first.started_at[:16]} {before} → {after}, {change.ratio:.3f} "
            f"({change.low:.3f} … {change.high:.3f}){', provisional' * change.provisional}"
        )


def _stretches(series: "Series") -> list[tuple[int, int, float]]:
    """The first and the last place of each, and its level."""
    changes = series.levels.changes
    ends = [0, *(each.at for each in changes), len(series.points)]
    values = [*(each.before for each in changes), series.level.value]
    return [(ends[x], ends[x + 1] - 1, value) for x, value in enumerate(values)]


def _ends(series: "Series") -> tuple[float, float]:
    """The lowest and the highest value that are drawn where they are."""
    values, spread = [each.value for each in series.points], series.level.spread
    low, high = min(values), max(values)
    if spread:
        levels = [level for _, _, level in _stretches(series)]
        reach = 1 + _BEYOND * spread
        low, high = max(low, min(levels) / reach), min(high, max(levels) * reach)
    return (low, high) if low < high else (0.99 * low, 1.01 * high)


def _canvas(series: "Series", across: int, low: float, high: float) -> list[str]:
    from plotille import Canvas

    places = max(len(series.points) - 1, 1)
    canvas = Canvas(width=across, height=ROWS, xmin=0, xmax=1, ymin=0, ymax=1)

    def at(place: int, value: float) -> tuple[float, float]:
        """Within the canvas, whose upper ends are a dot beyond it."""
        right, top = 1 - 1 / (2 * across), 1 - 1 / (4 * ROWS)
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return place / places * right, share * top

    for first, last, level in _stretches(series):
        canvas.line(*at(first, level), *at(last, level))
    for place, point in enumerate(series.points):
        canvas.point(*at(place, point.value))
    drawn: str = canvas.plot(linesep="\n")
    return drawn.split("\n")


def _letters(series: "Series", names: Sequence[str], across: int) -> Iterator[str]:
    """A line with each above the first point after its change, where there is one. Of changes too
    near to each other only the first has room."""
    places, line = max(len(series.points) - 1, 1), ""
    for name, change in zip(names, series.levels.changes, strict=True):
        column = int(change.at / places * (across - 1))
        if column >= len(line):
            line = f"{line:{column}}{name}"
    if line:
        yield line


def _times(series: "Series", across: int) -> str:
    """Of the first point and of the last; days, where minutes have no room."""
    long = 16 if across > 2 * 16 else 10
    first, last = (series.points[place].started_at[:long] for place in (0, -1))
    return first if len(series.points) == 1 else f"{first}{last:>{across - long}}"


def _ascii(bits: int) -> str:
    """Whether anything is above, and below."""
    return " '.:"[bool(bits & _UPPER) + 2 * bool(bits & _LOWER)]


_ASCII = {_BLANK + bits: _ascii(bits) for bits in range(256)}
_BRAILLE = {_BLANK: " "}
