"""A series as a small line of a table's row; the numbers are told beside it."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from statistics import median

WIDTH, HEIGHT, EDGE = 120, 24, 2.0
MOST = 40
"""Points: more are closer than a line is wide."""


def sparkline(values: Sequence[float], changes: Sequence[int] = ()) -> str:
    """SVG. `values`: positive; `changes`: places before which the level changed, a mark each."""
    if len(values) < 2:
        return ""
    points = _thinned(values)
    low, high = min(points), max(points)
    scale = (HEIGHT - 2 * EDGE) / (high - low) if high > low else 0.0
    heights = [HEIGHT - EDGE - (value - low) * scale if scale else HEIGHT / 2 for value in points]
    line = _places(len(points)) % tuple(heights)
    span = (WIDTH - 2 * EDGE) / (len(values) - 1)
    marks = "".join(
        f'<path class="mark" d="M{EDGE + span * at:.0f} 0v{HEIGHT}"/>' for at in changes
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'aria-hidden="true">{marks}<polyline points="{line}"/></svg>'
    )


@cache
def _places(count: int) -> str:
    """So many points, whose heights are left to be told: a page has many lines of one length."""
    step = (WIDTH - 2 * EDGE) / (count - 1)
    return " ".join(f"{EDGE + step * place:.0f},%.1f" for place in range(count))


def _thinned(values: Sequence[float]) -> list[float]:
    """Medians of as many stretches as are drawn."""
    if len(values) <= MOST:
        return list(values)
    ends = [len(values) * place // MOST for place in range(MOST + 1)]
    return [median(values[start:end]) for start, end in pairwise(ends)]
