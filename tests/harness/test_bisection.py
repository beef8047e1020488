"""Which revision is tried next, on random histories with and without branches."""

from collections.abc import Collection, Sequence
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bisection import Bisection, Finding
from harness.revisions import Revision


def line(count: int) -> tuple[Revision, ...]:
    """`0`, `1`, … each on the one before."""
    return tuple(
        Revision(name=str(each), parents=(str(each - 1),) if each else ()) for each in range(count)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Revision, ...]:
    """With branches and merges, all of which the last revision has in itself."""
    count = draw(st.integers(1, 24))
    revisions: list[Revision] = []
    loose: set[str] = set()
    for each in range(count):
        chosen = draw(st.sets(st.integers(0, each - 1), max_size=2)) if each else set()
        parents = tuple(map(str, sorted(chosen)))
        revisions.append(Revision(name=str(each), parents=parents))
        loose = (loose - set(parents)) | {str(each)}
    return (*revisions, Revision(name=str(count), parents=tuple(sorted(loose))))


def ancestors(revisions: Sequence[Revision], name: str) -> set[str]:
    """Itself included, by walking."""
    parents = {each.name: each.parents for each in revisions}
    found, waiting = set(), [name]
    while waiting:
        found.add(here := waiting.pop())
        waiting += [each for each in parents[here] if each not in found]
    return found


def walk(
    revisions: tuple[Revision, ...], culprit: str, skipped: Collection[str] = ()
) -> tuple[Bisection, list[str]]:
    """To the end, and what was tried: whatever has the culprit in itself is bad."""
    found: dict[str, Finding] = {}
    tried: list[str] = []
    while True:
        bisection = Bisection(revisions=revisions, found=dict(found))
        name = bisection.next
        if name is None:
            return bisection, tried
        tried.append(name)
        if name in skipped:
            found[name] = "skipped"
        else:
            found[name] = "bad" if culprit in ancestors(revisions, name) else "good"


@given(st.integers(1, 300), st.data())
def test_a_line_is_halved(count: int, data: st.DataObject) -> None:
    culprit = str(data.draw(st.integers(0, count - 1)))
    bisection, tried = walk(line(count), culprit)
    assert bisection.first_bad == culprit
    assert len(tried) <= ceil(log2(count))


@given(histories(), st.data())
def test_the_first_bad_one_is_found_among_branches(
    revisions: tuple[Revision, ...], data: st.DataObject
) -> None:
    culprit = data.draw(st.sampled_from([each.name for each in revisions]))
    bisection, tried = walk(revisions, culprit)
    assert bisection.first_bad == culprit
    assert len(tried) == len(set(tried))


@given(histories(), st.data())
def test_what_is_skipped_may_hide_it_but_never_leads_astray(
    revisions: tuple[Revision, ...], data: st.DataObject
) -> None:
    names = [each.name for each in revisions]
    culprit = data.draw(st.sampled_from(names))
    skipped = data.draw(st.sets(st.sampled_from(names)))
    bisection, tried = walk(revisions, culprit, skipped)
    assert culprit in bisection.suspects
    assert set(bisection.suspects[:-1]) <= skipped  # what could be told, was
    assert len(tried) == len(set(tried))
    if not skipped & set(names[:-1]):
        assert bisection.first_bad == culprit


def test_beside_a_skipped_one_its_neighbour_is_tried() -> None:
    first = Bisection(revisions=line(64), found={})
    assert first.next == "31"
    assert Bisection(revisions=line(64), found={"31": "skipped"}).next in ("30", "32")


def test_of_many_skipped_ones_it_goes_further_away() -> None:
    """A long stretch that does not build is not tried one by one."""
    hidden = {str(each) for each in range(200, 320)}
    bisection, tried = walk(line(512), "100", hidden)
    assert bisection.first_bad == "100"
    assert len(set(tried) & hidden) <= 8


def test_the_end_says_what_skipped_ones_hide() -> None:
    bisection, _ = walk(line(12), "5", {"4", "5", "6"})
    assert bisection.first_bad is None
    assert bisection.suspects == ("4", "5", "6", "7")


def test_a_revision_may_not_come_before_what_it_builds_on() -> None:
    with pytest.raises(KeyError):
        _ = Bisection(revisions=tuple(reversed(line(3))), found={}).suspects
