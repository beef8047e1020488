"""A feed of regressions: Atom 1.0 (RFC 4287)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from harness.report import markup, quantity
from harness.report.regressions import slower
from harness.report.series import target_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from harness.regressions import Regression

_ATOM = "http://www.w3.org/2005/Atom"


def feed(found: Sequence["Regression"], *, address: str, link: str | None, now: datetime) -> str:
    """An entry each, in their order. `address`: what the feed is known by; `link`: a page that
    tells more; `now`: for one that has no entry."""
    outermost = markup.root("feed", xmlns=_ATOM)
    markup.child(outermost, "title", "jaxrig: regressions")
    markup.child(outermost, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, address)}")
    updated = max((_updated_at(each) for each in found), default=now)
    markup.child(outermost, "updated", updated.isoformat())
    markup.child(markup.child(outermost, "author"), "name", "jaxrig")
    _link(outermost, link)
    for each in found:
        _add(markup.child(outermost, "entry"), each, link)
    return markup.document(outermost)


def _add(entry: "Element", each: "Regression", link: str | None) -> None:
    markup.child(entry, "title", f"{each.where['case']} {slower(each)} on {each.where['target']}")
    markup.child(entry, "id", f"urn:uuid:{each.uuid}")
    markup.child(entry, "updated", _updated_at(each).isoformat())
    markup.child(entry, "published", _found_at(each).isoformat())
    _link(entry, link)
    markup.child(entry, "category", term=each.state)
    markup.child(entry, "content", "\n".join(_lines(each)), type="text")


def _link(parent: "Element", link: str | None) -> None:
    if link is not None:
        markup.child(parent, "link", rel="alternate", href=link)


def _found_at(each: "Regression") -> datetime:
    """Of what nobody kept yet, when it began."""
    return each.started_at if each.kept is None else each.kept.found_at


def _updated_at(each: "Regression") -> datetime:
    """When something of it was said last."""
    decided = [one.decided_at for one in each.kept.decisions] if each.kept is not None else []
    fixed = [each.fixed_at] if each.fixed_at is not None else []
    return max([_found_at(each), *decided, *fixed])


def _lines(each: "Regression") -> Iterator[str]:
    where = each.where
    yield f"{each.name}: {each.state}"
    yield f"since {quantity.moment(each.started_at)} UTC, run {each.run}"
    yield f"ratio {each.ratio:.3f}" + _interval(each)
    machine = f"{where['machine']} ({where['machine_name']})"
    yield f"{target_of(where['target'], where['isolation'])} on {machine}"
    if each.changed is not None:
        for name, (before, after) in each.changed.differs.items():
            yield f"{name}: {before or 'unknown'} → {after or 'unknown'}"
    if each.fixed is not None:
        yield f"fixed by run {each.fixed.first.run}"
    for one in each.kept.decisions if each.kept is not None else ():
        yield f"{one.state} by {one.who} on {quantity.moment(one.decided_at)} UTC: {one.reason}"


def _interval(each: "Regression") -> str:
    if each.changed is None:
        return ""
    return f" ({each.changed.change.low:.3f} to {each.changed.change.high:.3f})"
