"""Pages of a table: which rows, and the ways to those before and after."""

from harness.report.site import addresses
from harness.report.site.live import Pager
from harness.web.parameters import Asked, whole

LAST = 1000

PAGE = whole("page", "which, from 1", default=1, least=1, most=LAST)


def rows_before(asked: Asked, size: int) -> int:
    return size * (int(asked["page"]) - 1)


def pager(asked: Asked, size: int, shown: int, *, more: bool) -> Pager | None:
    """`shown`: rows of this page; `more`: whether there are any behind it. None of a single
    page."""
    number, first = int(asked["page"]), rows_before(asked, size)
    if number == 1 and not more:
        return None
    return Pager(
        told=f"{first + 1:,} to {first + shown:,}" if shown else "behind the last row",
        before=None if number == 1 else _page(asked, number - 1),
        after=_page(asked, number + 1) if more and number < LAST else None,
    )


def _page(asked: Asked, number: int) -> str:
    return addresses.asking(asked.path, asked.others(page=number))
