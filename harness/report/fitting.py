"""A table that fits a terminal: long names are folded, and columns left out from the right."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

Rows = Sequence[Sequence[str]]

COLUMNS = 80
"""Of what is no terminal."""

USUAL = 36
"""Characters of a name that stay on one line: sooner are columns left out."""

NARROWEST = 16
"""Of a folded name."""

_BETWEEN = 2
"""Spaces between columns."""

_COMMAND = re.compile(r"`[^`]*`")


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """How a table gives way: `names` is the column whose cells are folded, `essential` how many
    columns from the left always stay."""

    names: int
    essential: int


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """`left_out`: headers of the columns that hold something and have no room."""

    headers: Sequence[str]
    rows: Rows
    left_out: tuple[str, ...]


def fitted(headers: Sequence[str], rows: Rows, fitting: Fitting, width: int) -> Fitted:
    """In so many characters, where that can be. Columns that hold nothing are left out anyway."""
    widths = [
        max([len(header), *(len(row[place]) for row in rows)])
        for place, header in enumerate(headers)
    ]
    held = [
        place
        for place in range(len(headers))
        if place < fitting.essential or any(row[place] for row in rows) or not rows
    ]
    kept = _kept(widths, held, fitting, width)
    most = max(_room(widths, kept, fitting, width), NARROWEST)
    return Fitted(
        headers=[headers[place] for place in kept],
        rows=[
            [folded(row[x], most) if x == fitting.names else row[x] for x in kept] for row in rows
        ],
        left_out=tuple(headers[place] for place in held if place not in kept and rows),
    )


def as_text(found: Fitted) -> str:
    """As tabulate's `simple`, which gives a header two characters more than it needs."""
    from tabulate import tabulate

    cells = [found.headers, *found.rows]
    headers, *lines = tabulate(cells, tablefmt="plain", disable_numparse=True).split("\n")
    columns = zip(*cells, strict=True)
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    rule = (" " * _BETWEEN).join("-" * width for width in widths)
    return "\n".join([headers, rule, *lines])


def _kept(widths: Sequence[int], held: list[int], fitting: Fitting, width: int) -> list[int]:
    kept = list(held)
    wanted = min(widths[fitting.names], USUAL)
    while kept[-1] >= fitting.essential and _room(widths, kept, fitting, width) < wanted:
        kept.pop()
    return kept


def _room(widths: Sequence[int], kept: Sequence[int], fitting: Fitting, width: int) -> int:
    """What the other columns leave for names."""
    others = sum(widths[place] for place in kept if place != fitting.names)
    return width - others - _BETWEEN * (len(kept) - 1)


def folded(name: str, width: int) -> str:
    """`name` in lines: broken behind a `/` where there is one, and the rest indented."""
    lines, left = [], name
    while len(left) > width:
        at = left.rfind("/", 2, width) + 1 or width
        lines.append(left[:at])
        left = f"  {left[at:]}"
    return "\n".join([*lines, left])


def wrapped(text: str, width: int) -> str:
    """Prose in lines of so many characters, but for words that are longer. A command stays on one
    line, whatever its length: it is there to be copied."""
    return "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    glued = _COMMAND.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), line)
    lines = textwrap.wrap(
        glued,
        width,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")
