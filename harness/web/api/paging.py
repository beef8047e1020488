"""Pages of a list: which rows, and where those behind them are."""

from collections.abc import Sequence
from typing import TypeVar

from harness.report.site import addresses
from harness.web.parameters import FURTHEST, Asked

T = TypeVar("T")


def window(asked: Asked) -> tuple[int, int]:
    """Rows to pass over, and how many to read: one more, which tells whether there are more."""
    return int(asked["offset"]), int(asked["limit"]) + 1


def cut(found: Sequence[T], asked: Asked) -> Sequence[T]:
    """Of all rows those of the page, and one more."""
    offset, count = window(asked)
    return found[offset : offset + count]


def page_of(found: Sequence[T], asked: Asked) -> tuple[Sequence[T], str | None]:
    """`found`: the rows that `window` asks for. The rows of the page, and the address of the
    next."""
    limit = int(asked["limit"])
    after = int(asked["offset"]) + limit
    if len(found) <= limit or after > FURTHEST:
        return found[:limit], None
    return found[:limit], addresses.asking(
        f"/{asked.path}", asked.others(limit=limit, offset=after)
    )
