"""A feed as RFC 4287 wants it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.regressions import Regression
from harness.report.feed import feed
from harness.store.ledger import Decision
from tests.harness.parsed import parsed
from tests.harness.store.test_ledger import BEGAN, a_regression
from tests.harness.test_regressions import as_kept, change, followed, series

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ONCE = ("id", "title", "updated")
"""What a feed and each entry have exactly once (sections 4.1.1 and 4.1.2)."""


def written(*found: Regression, link: str | None = None, address: str = "file:///feed") -> Any:
    return parsed(feed(found, address=address, link=link, now=NOW))


def test_it_has_what_a_feed_must_have() -> None:
    outermost = written(a_regression(1), a_regression(2))
    assert outermost.tag == f"{ATOM}feed"
    assert outermost.findtext(f"{ATOM}author/{ATOM}name") == "jaxrig"
    entries = outermost.findall(f"{ATOM}entry")
    for each in (outermost, *entries):
        assert [len(each.findall(f"{ATOM}{name}")) for name in ONCE] == [1, 1, 1]
        assert datetime.fromisoformat(each.findtext(f"{ATOM}updated")).tzinfo is not None
    ids = [each.findtext(f"{ATOM}id") for each in (outermost, *entries)]
    assert ids[1:] == [f"urn:uuid:{a_regression(number).uuid}" for number in (1, 2)]
    assert all(each.startswith("urn:uuid:") for each in ids)
    assert len(set(ids)) == 3
    assert [each.find(f"{ATOM}content").get("type") for each in entries] == ["text", "text"]


def test_without_an_entry_it_is_a_feed_all_the_same() -> None:
    outermost = written()
    assert outermost.findtext(f"{ATOM}updated") == NOW.isoformat()
    assert outermost.findall(f"{ATOM}entry") == []


def test_an_address_has_one_id() -> None:
    ids = [written(address=each).findtext(f"{ATOM}id") for each in ("a:b", "a:b", "a:c")]
    assert ids[0] == ids[1] != ids[2]


def test_an_entry_tells_the_case_how_much_and_what_was_decided() -> None:
    (one,) = followed([series(change(20, 1.0, 1.1), change(40, 1.1, 1.0))])
    decision = Decision(state="acknowledged", reason="a <b>", who="ada", decided_at=BEGAN)
    (known,) = followed(
        [series(change(20, 1.0, 1.1), change(40, 1.1, 1.0))],
        as_kept(one, decisions=(decision,)),
    )
    entry = written(known).find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "c +10.0 % on cpu"
    assert entry.find(f"{ATOM}category").get("term") == "fixed"
    lines = entry.findtext(f"{ATOM}content").split("\n")
    assert lines[0] == f"{one.name}: fixed"
    assert "ratio 1.100 (1.089 to 1.111)" in lines
    assert "fixed by run r40" in lines
    assert f"acknowledged by ada on {BEGAN:%Y-%m-%d %H:%M:%S} UTC: a <b>" in lines


def test_it_is_updated_when_something_was_said_last() -> None:
    def updated(each: Regression) -> str:
        found: str = written(each).findtext(f"{ATOM}updated")
        return found

    one = a_regression()
    assert updated(one) == BEGAN.isoformat()
    later = [BEGAN + timedelta(days=day) for day in (1, 2)]
    kept = as_kept(one, found_at=later[0])
    assert updated(replace(one, kept=kept)) == later[0].isoformat()
    decision = Decision(state="ignored", reason="x", who="x", decided_at=later[1])
    assert updated(replace(one, kept=replace(kept, decisions=(decision,)))) == later[1].isoformat()


def test_a_link_is_the_feed_s_and_the_entries() -> None:
    link = "https://bench.example/?a=1&b=2"
    found = written(a_regression(), link=link).iter(f"{ATOM}link")
    assert [(each.get("rel"), each.get("href")) for each in found] == [("alternate", link)] * 2
    assert list(written(a_regression()).iter(f"{ATOM}link")) == []


def test_names_out_of_containers_are_text() -> None:
    where = a_regression().where
    odd = a_regression(where={**where, "case": "test_a[<b>&\x1b\ud800]"})
    title = written(odd).findtext(f"{ATOM}entry/{ATOM}title")
    assert title == "test_a[<b>&\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}] +25.0 % on cpu"
