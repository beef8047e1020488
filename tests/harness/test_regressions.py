"""What becomes of a regression, as more points arrive and people decide."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.changes import Point, Series
from harness.regressions import NEAR, Regression, follow
from harness.stats.changepoints import LEAST, Change, Levels
from harness.store.ledger import Decision, Kept

WHERE = {
    "case": "c",
    "machine": "m",
    "machine_name": "node",
    "target": "cpu",
    "isolation": "container",
}
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
POINTS = 60


def change(at: int, before: float, after: float, *, provisional: bool = False) -> Change:
    ratio = after / before
    return Change(
        at=at,
        before=before,
        after=after,
        ratio=ratio,
        low=ratio * 0.99,
        high=ratio * 1.01,
        provisional=provisional,
    )


def started_at(place: int) -> datetime:
    return BEGAN + timedelta(days=place)


def points(places: Sequence[int], run: str = "r") -> list[Point]:
    return [
        Point(
            run=f"{run}{place}",
            started_at=str(started_at(place).replace(tzinfo=None)),
            value=1.0,
            beside={"image": None, "jax": None, "git_commit": None, "suite": "quick"},
        )
        for place in places
    ]


def series(*changes: Change, length: int = POINTS, **told: Any) -> Series:
    found: dict[str, Any] = {
        "where": WHERE,
        "unit": "s",
        "points": points(range(length)),
        "levels": Levels(changes=changes, few=False, present=None),
    }
    return Series(**found | told)


def kept(place: int, *states: str, **told: Any) -> Kept:
    """As it was found at that place, and decided on."""
    found: dict[str, Any] = {
        "name": f"kept-{place}",
        "uuid": UUID(int=place),
        "where": WHERE,
        "unit": "s",
        "run": f"r{place}",
        "started_at": started_at(place),
        "ratio": 1.5,
        "found_at": started_at(POINTS),
        "announced_at": None,
        "fixed_at": None,
        "decisions": tuple(
            Decision(state=state, reason="why", who="me", decided_at=started_at(POINTS + day))
            for day, state in enumerate(states)
        ),
    }
    return Kept(**found | told)


def follow_one(one: Series, *known: Kept) -> Regression:
    (found,) = followed([one], *known)
    return found


def followed(all_of_them: Sequence[Series], *known: Kept) -> tuple[Regression, ...]:
    return follow(all_of_them, known, lambda _: 0.02)


def as_kept(each: Regression, **told: Any) -> Kept:
    names = ("name", "uuid", "where", "unit", "run", "started_at", "ratio")
    found: dict[str, Any] = {name: getattr(each, name) for name in names}
    later = {"found_at": started_at(0), "announced_at": None, "fixed_at": None, "decisions": ()}
    return Kept(**found | later | told)


UP = change(20, 1.0, 1.1)


def test_what_takes_longer_is_detected() -> None:
    found = follow_one(series(UP))
    assert (found.state, found.run, found.started_at) == ("detected", "r20", started_at(20))
    assert (found.ratio, found.kept, found.fixed) == (1.1, None, None)


def test_what_takes_less_is_no_regression() -> None:
    assert followed([series(change(20, 1.1, 1.0))]) == ()


def test_a_name_is_of_the_series_and_the_first_run() -> None:
    """The same in whichever database, and whatever came later."""
    one = follow_one(series(UP))
    assert one.name == "175f063b"
    later = replace(UP, before=1.01, ratio=1.08, high=1.2)
    longer = follow_one(series(later, length=POINTS + 30))
    assert (longer.name, longer.uuid) == (one.name, one.uuid)
    others = [
        series(replace(UP, at=21)),
        series(UP, unit="ratio"),
        *(series(UP, where=WHERE | {name: "x"}) for name in WHERE if name != "machine_name"),
    ]
    names = {found.name for each in others for found in followed([each])}
    assert len(names | {one.name}) == len(others) + 1
    assert follow_one(series(UP, where=WHERE | {"machine_name": "x"})).name == one.name


def test_a_kept_one_keeps_its_name_while_its_place_moves() -> None:
    for at in (10, 18, 20, 30):
        found = follow_one(series(replace(UP, at=at)), kept(20))
        assert (found.name, found.uuid, found.run) == ("kept-20", UUID(int=20), f"r{at}")
        assert (found.state, found.ratio) == ("detected", 1.1)


def test_farther_away_it_is_another() -> None:
    for at in (9, 31):
        found = followed([series(replace(UP, at=at))], kept(20))
        assert {each.state for each in found} == {"detected", "withdrawn"}


@pytest.mark.parametrize(
    "other", [{"unit": "ratio"}, *({"where": WHERE | {name: "x"}} for name in ("case", "target"))]
)
def test_in_another_series_it_is_another(other: dict[str, Any]) -> None:
    found = followed([series(UP), series(**other)], kept(20, **other))
    assert sorted(each.state for each in found) == ["detected", "withdrawn"]


def test_a_change_for_the_better_is_none_that_was_kept() -> None:
    found = follow_one(series(change(20, 1.1, 1.0)), kept(20))
    assert (found.state, found.changed, found.ratio) == ("withdrawn", None, 1.5)


def test_the_nearest_is_it() -> None:
    up = change(25, 1.1, 1.2)
    found = {each.run: each.name for each in followed([series(UP, up)], kept(22), kept(28))}
    assert found == {"r20": "kept-22", "r25": "kept-28"}
    found = {each.run: each.name for each in followed([series(UP, up)], kept(24))}
    assert found["r25"] == "kept-24"


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), "detected"),
        (("acknowledged",), "acknowledged"),
        (("ignored",), "ignored"),
        (("acknowledged", "ignored"), "ignored"),
        (("ignored", "detected"), "detected"),
        (("ignored", "detected", "acknowledged"), "acknowledged"),
    ],
)
def test_the_newest_decision_holds(states: tuple[str, ...], state: str) -> None:
    found = follow_one(series(UP), kept(20, *states))
    assert found.state == state
    assert (found.decision is None) == (not states)


@pytest.mark.parametrize(
    ("later", "state"),
    [
        ([change(40, 1.1, 1.0)], "fixed"),
        ([change(40, 1.1, 1.02)], "fixed"),  # the floor
        ([change(40, 1.1, 1.03)], "detected"),
        ([change(40, 1.1, 0.8)], "fixed"),
        ([change(40, 1.1, 1.0, provisional=True)], "detected"),
        ([change(30, 1.1, 1.05), change(40, 1.05, 1.0)], "fixed"),
        ([change(30, 1.1, 1.0), change(40, 1.0, 1.01)], "fixed"),
    ],
)
def test_a_later_change_to_the_level_before_fixes_it(later: list[Change], state: str) -> None:
    found = followed([series(UP, *later)])[-1]
    assert (found.run, found.state) == ("r20", state)
    known = followed([series(UP, *later)], kept(20, "acknowledged"))[-1]
    assert known.state == ("fixed" if state == "fixed" else "acknowledged")


def test_the_fix_is_told() -> None:
    found = follow_one(series(UP, change(40, 1.1, 1.0)))
    assert found.fixed is not None
    assert found.fixed.first.run == "r40"


def test_an_earlier_low_level_fixes_nothing() -> None:
    assert follow_one(series(change(10, 1.2, 1.0), UP)).state == "detected"


def test_what_is_ignored_stays_so_though_it_is_fixed() -> None:
    fixed = series(UP, change(40, 1.1, 1.0))
    assert follow_one(fixed, kept(20, "ignored")).state == "ignored"
    assert follow_one(fixed, kept(20, "ignored", "detected")).state == "fixed"


def test_what_later_points_took_back_is_withdrawn_until_they_show_it_again() -> None:
    for states in ((), ("acknowledged",), ("ignored",)):
        assert follow_one(series(), kept(20, *states)).state == "withdrawn"
    assert follow_one(series(UP), kept(20, "ignored")).state == "ignored"


@pytest.mark.parametrize("first", [20 - LEAST + 1, 25, POINTS])
def test_where_its_points_were_pruned_it_stays_as_it_was_decided(first: int) -> None:
    """Nobody took it back: it cannot be seen any more."""
    left = series(points=points(range(first, POINTS)))
    assert follow_one(left, kept(20)).state == "detected"
    assert follow_one(left, kept(20, "ignored")).state == "ignored"
    assert follow_one(series(points=points(range(20 - LEAST, POINTS))), kept(20)).state == (
        "withdrawn"
    )


def test_so_it_does_where_it_was_seen_to_be_fixed() -> None:
    left = series(points=points(range(25, POINTS)))
    known = kept(20, "acknowledged", fixed_at=started_at(22))
    assert (follow_one(left, known).state, follow_one(left, known).fixed_at) == (
        "fixed",
        started_at(22),
    )
    assert follow_one(left, kept(20, "ignored", fixed_at=started_at(22))).state == "ignored"
    seen = follow_one(series(UP), known)
    assert (seen.state, seen.fixed_at) == ("acknowledged", None)  # the fix was withdrawn


def test_so_it_does_where_its_series_is_gone() -> None:
    (found,) = followed([], kept(20, "acknowledged"))
    assert (found.state, found.run, found.started_at) == ("acknowledged", "r20", started_at(20))


def test_a_pruned_one_is_not_taken_for_the_next() -> None:
    """By its place among what is left it would be the first of all points."""
    left = series(change(LEAST, 1.0, 1.1), points=points(range(21, POINTS)))
    found = followed([left], kept(20, announced_at=BEGAN))
    assert [(each.run, each.name == "kept-20") for each in found] == [("r26", False), ("r20", True)]
    assert [each.is_news for each in found] == [True, False]


def test_where_only_its_first_run_is_gone_its_start_tells_the_place() -> None:
    left = points([*range(20), *range(21, POINTS)])
    assert follow_one(series(UP, points=left), kept(20)).name == "kept-20"


def test_nights_that_nothing_ties_are_told_apart_by_their_runs() -> None:
    """Two chains of anchors, the nights of one between those of the other."""
    one = series(change(20, 1.0, 1.1), unit="ratio", points=points(range(0, 60, 2)))
    other = series(unit="ratio", points=points(range(1, 60, 2)))
    found = followed([one, other], kept(41, unit="ratio"))
    assert [(each.run, each.state) for each in found] == [("r41", "withdrawn"), ("r40", "detected")]
    (found_there,) = followed([other, one], kept(40, unit="ratio"))
    assert (found_there.name, found_there.state) == ("kept-40", "detected")


def test_news_are_open_certain_and_told_once() -> None:
    def is_news(one: Series, *known: Kept) -> bool:
        return followed([one], *known)[-1].is_news

    assert is_news(series(UP))
    assert is_news(series(UP), kept(20))
    assert is_news(series(UP), kept(20, "acknowledged"))
    assert not is_news(series(UP), kept(20, announced_at=BEGAN))
    assert not is_news(series(UP), kept(20, "ignored"))
    assert not is_news(series(replace(UP, provisional=True)))
    assert not is_news(series(UP, change(40, 1.1, 1.0)))
    assert not is_news(series(), kept(20))
    assert not is_news(series(points=points(range(30, POINTS))), kept(20))


def test_the_newest_comes_first() -> None:
    found = followed([series(UP, change(40, 1.1, 1.2))], kept(10, where=WHERE | {"case": "b"}))
    assert [each.run for each in found] == ["r40", "r20", "r10"]


@st.composite
def levels(draw: st.DrawFn) -> Series:
    """A series whose level changes here and there, either way."""
    places = sorted(draw(st.sets(st.integers(1, POINTS // LEAST - 1), max_size=8)))
    found, before = [], 1.0
    for place in places:
        after = before * draw(st.sampled_from([0.5, 0.9, 1.1, 2.0]))
        found.append(change(place * LEAST, before, after))
        before = after
    return series(*found)


kept_ones = st.sets(st.integers(0, POINTS - 1), max_size=8).map(
    lambda places: [kept(place) for place in sorted(places)]
)


@given(one=levels(), known=kept_ones)
def test_each_kept_one_and_each_rise_is_there_once(one: Series, known: list[Kept]) -> None:
    found = followed([one], *known)
    names = [each.kept.name for each in found if each.kept is not None]
    assert sorted(names) == sorted(each.name for each in known)
    rises = [each.change.at for each in one.changed() if each.change.ratio > 1]
    assert sorted(each.changed.change.at for each in found if each.changed is not None) == rises


@given(one=levels(), known=kept_ones)
def test_no_pair_would_rather_have_each_other(one: Series, known: list[Kept]) -> None:
    """Of a rise and a kept one that are apart and near, one has something at least as near."""
    distances: dict[tuple[str, int], int] = {}
    for each in followed([one], *known):
        if each.kept is not None and each.changed is not None:
            at = each.changed.change.at
            distance = abs(at - int(each.kept.run[1:]))
            assert distance <= NEAR
            distances[each.kept.name, at] = distance
    of_kept = {name: distance for (name, _), distance in distances.items()}
    of_rises = {at: distance for (_, at), distance in distances.items()}
    for rise in one.changed():
        for other in known:
            apart = abs(rise.change.at - int(other.run[1:]))
            if rise.change.ratio > 1 and apart <= NEAR:
                has = of_kept.get(other.name), of_rises.get(rise.change.at)
                assert any(distance is not None and distance <= apart for distance in has)


@given(one=levels(), known=kept_ones, data=st.data())
def test_the_order_of_what_was_kept_says_nothing(
    one: Series, known: list[Kept], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(known))
    assert {each.name: each.run for each in followed([one], *shuffled)} == {
        each.name: each.run for each in followed([one], *known)
    }


@given(one=levels())
def test_once_kept_and_announced_nothing_is_news(one: Series) -> None:
    first = followed([one])
    again = followed([one], *(as_kept(each, announced_at=BEGAN) for each in first))
    assert [(each.name, each.state) for each in again] == [(x.name, x.state) for x in first]
    assert not any(each.is_news for each in again)
