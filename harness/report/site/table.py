"""Tables of pages: cells that know what they are sorted by, and where they lead."""

from collections.abc import Sequence
from dataclasses import dataclass

SIGNS = {
    "slower": "▲",
    "faster": "▼",
    "same": "=",
    "unclear": "?",
    "done": "✓",
    "failed": "✗",
    "interrupted": "■",
    "running": "…",
}
"""Before the words: colours alone tell a reader nothing who does not see them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """`sort`: what it is sorted by, its text where None. `href`: from the site's root. `kind`: a
    class of the style sheet. `html`: drawn, not written: made by this package, and safe."""

    text: str
    sort: float | None = None
    href: str | None = None
    kind: str | None = None
    html: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """`name`: of its element, and in addresses. `headers`: of columns; `numbers`: which of these
    are aligned as such. `note`: what a reader has to know of it."""

    name: str
    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()
    note: str = ""


NOTHING = Cell(text="")


def told(text: str, href: str | None = None) -> Cell:
    return Cell(text=text, href=href)


def number(text: str, value: float | None) -> Cell:
    return Cell(text=text, sort=value)


def said(word: str, href: str | None = None) -> Cell:
    """A verdict or a status, with its sign."""
    sign = SIGNS.get(word)
    return Cell(text=f"{sign} {word}" if sign else word, kind=word if sign else None, href=href)
