"""`jaxrig regressions …`, `badge` and `feed`, as they are typed."""

import csv
import getpass
import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import add_nights
from tests.harness.parsed import parsed
from tests.harness.samples import A, B

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def slower(store: Store) -> list[str]:
    """Runs of two cases, each a tenth slower from the 16th on."""
    first = add_nights(store, (15, 1.0), (15, 1.1), case=A)
    return first + add_nights(store, (15, 1.0), (15, 1.1), case=B)


def listed(jaxrig: Jaxrig, *words: str) -> list[dict[str, Any]]:
    done = jaxrig("regressions", "list", "--format", "json", *words)
    assert (done.code, done.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def name_of(jaxrig: Jaxrig, case: str) -> str:
    (one,) = listed(jaxrig, case, "--state", "all")
    return str(one["name"])


def test_what_is_open_is_listed_the_newest_first(jaxrig: Jaxrig, slower: list[str]) -> None:
    found = listed(jaxrig)
    assert [(each["case"], each["run"]) for each in found] == [(B, slower[45]), (A, slower[15])]
    one = found[0]
    assert one["low"] < 1.1 < one["high"]
    assert (one["state"], one["provisional"], one["unit"]) == ("detected", False, "s")
    assert (one["decisions"], one["announced_at"], one["fixed_run"]) == ([], None, None)
    assert one["started_at"].endswith("+00:00")
    assert [each["case"] for each in listed(jaxrig, A)] == [A]


def test_the_table_says_it_in_a_line(jaxrig: Jaxrig, slower: list[str]) -> None:
    done = jaxrig("regressions", "list")
    (line,) = [line for line in done.out.splitlines() if A in line]
    assert line.startswith(name_of(jaxrig, A))
    assert "detected" in line
    assert "2 regressions" in done.out
    assert "names hold from the first" in done.out
    jaxrig("regressions", "announce")
    assert "names hold from the first" not in jaxrig("regressions", "list").out


def test_csv_has_its_header_also_where_there_is_none(jaxrig: Jaxrig, store: Store) -> None:
    add_nights(store, (3, 1.0))
    done = jaxrig("regressions", "list", "--format", "csv")
    assert "name,state,case" in done.out
    assert list(csv.DictReader(io.StringIO(done.out))) == []


def test_somebody_decides_and_says_why(jaxrig: Jaxrig, slower: list[str]) -> None:
    name = name_of(jaxrig, A)
    done = jaxrig("regressions", "ack", name, "--reason", "the new allocator", "--who", "ada")
    assert (done.code, done.err) == (0, "")
    assert "ada: the new allocator" in done.out
    ignoring = jaxrig("regressions", "ignore", name_of(jaxrig, B), "--reason", "meant")
    assert f"{getpass.getuser()}: meant" in ignoring.out
    assert [(each["name"], each["state"]) for each in listed(jaxrig)] == [(name, "acknowledged")]
    states = {each["case"]: each["state"] for each in listed(jaxrig, "--state", "all")}
    assert states == {A: "acknowledged", B: "ignored"}
    reopened = jaxrig("regressions", "reopen", name, "--reason", "no", "--format", "json")
    (one,) = json.loads(reopened.out)
    assert [each["state"] for each in one["decisions"]] == ["acknowledged", "detected"]
    assert one["state"] == "detected"


def test_states_are_chosen(jaxrig: Jaxrig, slower: list[str]) -> None:
    jaxrig("regressions", "ack", name_of(jaxrig, A), "--reason", "x")
    assert [each["case"] for each in listed(jaxrig, "--state", "acknowledged")] == [A]
    assert [each["case"] for each in listed(jaxrig, "--state", "detected")] == [B]
    both = listed(jaxrig, "--state", "detected", "--state", "acknowledged")
    assert [each["case"] for each in both] == [B, A]
    assert listed(jaxrig, "--state", "fixed") == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["list", "--state", "gone"], "invalid choice: 'gone'"),
        (["list", "nope/*"], "no stored case matches 'nope/*'"),
        (["ack", "nothing", "--reason", "x"], "no regression is named 'nothing'"),
        (["ignore", "nothing"], "the following arguments are required: --reason"),
        (["ignore", "nothing", "--reason", " "], "--reason is empty"),
        (["ack", "nothing", "--reason", "x", "--who", ""], "--who is empty"),
        (["reopen", "NAME", "--reason", "x"], "is neither acknowledged nor ignored"),
        (["announce", "nope/*"], "no stored case matches 'nope/*'"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_ends_with_2(
    jaxrig: Jaxrig, slower: list[str], words: list[str], complaint: str
) -> None:
    name = name_of(jaxrig, A)
    done = jaxrig("regressions", *(name if word == "NAME" else word for word in words))
    assert (done.code, done.out) == (2, "")
    assert complaint in done.err


def test_who_nobody_knows_has_to_be_said(
    jaxrig: Jaxrig, slower: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container whose user has no name."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 987_654)
    words = ("regressions", "ack", name_of(jaxrig, A), "--reason", "x")
    done = jaxrig(*words)
    assert (done.code, "say it by --who" in done.err) == (2, True)
    assert jaxrig(*words, "--who", "ada").code == 0


def test_an_announcement_is_made_once(jaxrig: Jaxrig, slower: list[str]) -> None:
    done = jaxrig("regressions", "announce", A)
    assert done.code == 1
    assert A in done.out
    assert B not in done.out
    assert "1 not announced before; all that are open: jaxrig regressions list" in done.err
    rest = jaxrig("regressions", "announce", "--format", "json")
    assert (rest.code, [each["case"] for each in json.loads(rest.out)]) == (1, [B])
    assert json.loads(rest.out)[0]["announced_at"] is not None
    assert jaxrig("regressions", "announce") == (0, "", "")
    assert jaxrig("regressions", "announce", "--format", "md") == (0, "", "")
    assert jaxrig("regressions", "announce", "--format", "json") == (0, "[]\n", "")
    assert len(listed(jaxrig)) == 2


def test_as_markdown_it_suits_a_summary(jaxrig: Jaxrig, slower: list[str]) -> None:
    done = jaxrig("regressions", "announce", "--format", "md")
    assert done.out.startswith("### jaxrig: 2 regressions found\n\n| name ")
    assert done.out.count("\n| ") == 3


def test_pages_are_told(jaxrig: Jaxrig, slower: list[str]) -> None:
    done = jaxrig("regressions", "list", "--limit", "1", "--format", "json")
    assert [each["case"] for each in json.loads(done.out)] == [B]
    assert "the next: jaxrig regressions list" in done.err


def test_a_badge_is_drawn(jaxrig: Jaxrig, slower: list[str], tmp_path: Path) -> None:
    assert jaxrig("badge", "badge.svg") == (0, "", "")
    assert "<title>jaxrig: 2 regressions open</title>" in (tmp_path / "badge.svg").read_text()
    jaxrig("regressions", "ignore", name_of(jaxrig, A), "--reason", "x")
    assert "jaxrig: 1 regression open" in jaxrig("badge", "-").out
    assert "jaxrig: 0 regressions open" in jaxrig("badge", "-", A).out


def test_a_feed_is_written(jaxrig: Jaxrig, slower: list[str], tmp_path: Path) -> None:
    assert jaxrig("feed", "feed.xml", "--link", "https://bench.example/") == (0, "", "")
    feed = parsed((tmp_path / "feed.xml").read_text())
    ids = [each.text for each in feed.iter(f"{ATOM}id")]
    assert len(set(ids)) == 3
    before = parsed(jaxrig("feed", "-", "--link", "https://bench.example/").out)
    jaxrig("regressions", "announce")
    after = parsed(jaxrig("feed", "-", "--link", "https://bench.example/").out)
    for one in (before, after):
        assert [each.text for each in one.iter(f"{ATOM}id")] == ids


def test_two_feeds_have_two_ids(jaxrig: Jaxrig, slower: list[str], tmp_path: Path) -> None:
    ids = set()
    for name in ("a.xml", "b.xml"):
        jaxrig("feed", name)
        ids.add(parsed((tmp_path / name).read_text()).findtext(f"{ATOM}id"))
    assert len(ids) == 2


@pytest.mark.parametrize("link", ["javascript:alert(1)", "bench.example", "https://", "http://["])
def test_entries_lead_to_pages(jaxrig: Jaxrig, slower: list[str], link: str) -> None:
    done = jaxrig("feed", "-", "--link", link)
    assert (done.code, done.out) == (2, "")
    assert f"--link {link}" in done.err


@pytest.mark.parametrize("command", ["badge", "feed"])
def test_a_file_that_cannot_be_written_ends_with_5(
    jaxrig: Jaxrig, slower: list[str], command: str
) -> None:
    assert jaxrig(command, "nowhere/file").code == 5


@pytest.mark.parametrize("words", [["regressions", "list"], ["badge", "-"], ["feed", "-"]])
def test_without_a_database_reading_ends_with_6_and_makes_none(
    jaxrig: Jaxrig, tmp_path: Path, words: list[str]
) -> None:
    done = jaxrig(*words)
    assert (done.code, done.out) == (6, "")
    assert list(tmp_path.iterdir()) == []
