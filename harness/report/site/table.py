"""Tables of pages: cells that know what they are sorted by, and where they lead.

Their rows are written here, and not by a template: a report has a million cells, of which each
would be a call of a macro.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

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


class Cell(NamedTuple):
    """`sort`: what it is sorted by, its text where None. `href`: from the site's root. `kind`: a
    class of the style sheet. `html`: drawn, not written: made by this package, and safe.

    A tuple: a page has thousands, and a frozen class takes three times as long to make.
    """

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


def body(table: Table, root: str) -> str:
    """Its rows as HTML. `root`: from the page to the site's."""
    kinds = ["number" if place in table.numbers else "" for place in range(len(table.headers))]
    if not table.rows:
        return f'<tr><td colspan="{len(kinds)}">none</td></tr>'
    return "\n".join(
        [
            "<tr>"
            + "".join([_written(cell, kind, root) for cell, kind in zip(row, kinds, strict=True)])
            + "</tr>"
            for row in table.rows
        ]
    )


def _written(cell: Cell, column: str, root: str) -> str:
    """`column`: the class of its column."""
    text, sort, href, kind, html = cell
    inner = escape(text) if html is None else html
    if href is not None:
        inner = f'<a href="{root}{escape(href)}">{inner}</a>'
    classes = f"{column} {kind}" if column and kind else column or kind
    attributes = f' class="{classes}"' if classes else ""
    if sort is not None:
        attributes += f' data-sort="{sort!r}"'
    return f"<td{attributes}>{inner}</td>"


_COMMAND = re.compile("`([^`]*)`")


def prose(text: str) -> str:
    """As HTML, what stands between backquotes as code."""
    return _COMMAND.sub(r"<code>\1</code>", escape(text))
