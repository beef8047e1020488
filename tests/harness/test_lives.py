"""The lives of regressions, in either database: kept, decided on, announced once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import text

from harness.errors import DatabaseFailure, UsageError
from harness.lives import Regressions, announce, decide, regressions
from harness.states import State
from harness.store.database import SCHEMA_VERSION
from harness.store.filters import Filters
from harness.store.ledger import list_kept
from harness.store.links import link
from harness.store.writer import Store
from tests.harness.history import MACHINE, add_nights, add_run
from tests.harness.samples import A, B
from tests.harness.store.test_upgrades import make

EVERYTHING = Filters()
MORE = replace(MACHINE, memory_gib=32)


def floor(_: str) -> float:
    return 0.02


@pytest.fixture
def either(either_url: str) -> Iterator[Store]:
    with Store(either_url) as opened:
        yield opened


@pytest.fixture
def slower(either: Store) -> list[str]:
    """Runs of nights, of which a case takes a tenth longer from the 21st on."""
    return add_nights(either, (20, 1.0), (20, 1.1))


def found(url: str, filters: Filters = EVERYTHING) -> Regressions:
    return regressions(url, filters, floor)


def told(url: str, filters: Filters = EVERYTHING) -> Regressions:
    return announce(url, filters, floor, pytest.fail)


def decided(url: str, state: State, *names: str, reason: str = "why") -> Regressions:
    how = {"reason": reason, "who": "me", "floor": floor, "say": pytest.fail}
    return decide(url, names, state=state, **how)  # type: ignore[arg-type]


def test_looking_writes_nothing(either_url: str, slower: list[str]) -> None:
    (one,) = found(either_url)
    assert (one.run, one.state, one.kept) == (slower[20], "detected", None)
    assert one.ratio == pytest.approx(1.1, rel=0.01)
    assert list_kept(either_url, EVERYTHING) == ()


def test_it_is_announced_once_and_keeps_its_name(
    either: Store, either_url: str, slower: list[str]
) -> None:
    (seen,) = found(either_url)
    (first,) = told(either_url)
    assert (first.name, first.run, first.is_announced) == (seen.name, slower[20], True)
    assert told(either_url) == ()
    add_nights(either, (5, 1.1))
    assert told(either_url) == ()
    (kept,) = list_kept(either_url, EVERYTHING)
    assert (kept.name, kept.uuid, kept.run) == (seen.name, seen.uuid, slower[20])
    assert (kept.started_at, kept.ratio) == (seen.started_at, seen.ratio)


def test_another_one_is_announced_by_itself(either: Store, either_url: str) -> None:
    add_nights(either, (20, 1.0), (20, 1.1))
    told(either_url)
    names = add_nights(either, (20, 1.3))
    (later,) = told(either_url)
    assert later.run == names[0]


def test_a_provisional_one_is_kept_and_announced_when_it_is_certain(
    either: Store, either_url: str
) -> None:
    add_nights(either, (20, 1.0), (6, 1.2))
    assert told(either_url) == ()
    (one,) = found(either_url)
    assert (one.is_provisional, one.kept is not None) == (True, True)
    add_nights(either, (9, 1.2))
    (announced,) = told(either_url)
    assert announced.name == one.name


def test_what_was_taken_back_is_withdrawn(either: Store, either_url: str) -> None:
    add_nights(either, (20, 1.0), (6, 1.2))
    told(either_url)
    with either._engine.begin() as connection:  # a kernel was slow for a week: it was measured anew
        connection.execute(text("UPDATE measurements SET median_s = 1 WHERE median_s > 1.1"))
    (one,) = found(either_url)
    assert (one.state, one.changed) == ("withdrawn", None)


def test_what_is_fixed_is_not_announced(either: Store, either_url: str) -> None:
    add_nights(either, (20, 1.0), (20, 1.1), (20, 1.0))
    assert told(either_url) == ()
    (one,) = found(either_url)
    assert one.state == "fixed"


def test_decisions_hold_until_they_are_taken_back(either_url: str, slower: list[str]) -> None:
    (seen,) = found(either_url)
    (one,) = decided(either_url, "acknowledged", seen.name, reason="known since monday")
    assert (one.name, one.state, one.run) == (seen.name, "acknowledged", slower[20])
    assert decided(either_url, "ignored", seen.name)[0].state == "ignored"
    assert told(either_url) == ()
    assert decided(either_url, "detected", seen.name)[0].state == "detected"
    assert len(told(either_url)) == 1
    (kept,) = list_kept(either_url, EVERYTHING)
    assert [(each.state, each.reason, each.who) for each in kept.decisions] == [
        ("acknowledged", "known since monday", "me"),
        ("ignored", "why", "me"),
        ("detected", "why", "me"),
    ]


def test_of_an_unknown_name_nothing_is_decided(either_url: str, slower: list[str]) -> None:
    (seen,) = found(either_url)
    with pytest.raises(UsageError, match=r"no regression is named 'nothing'; see `jaxrig regress"):
        decided(either_url, "ignored", seen.name, "nothing")
    assert list_kept(either_url, EVERYTHING) == ()


def test_what_nobody_decided_cannot_be_taken_back(either_url: str, slower: list[str]) -> None:
    (seen,) = found(either_url)
    with pytest.raises(UsageError, match="neither acknowledged nor ignored"):
        decided(either_url, "detected", seen.name)
    decided(either_url, "ignored", seen.name)
    decided(either_url, "detected", seen.name)
    with pytest.raises(UsageError, match="neither acknowledged nor ignored"):
        decided(either_url, "detected", seen.name)


def test_a_name_given_twice_is_decided_once(either_url: str, slower: list[str]) -> None:
    (seen,) = found(either_url)
    assert len(decided(either_url, "ignored", seen.name, seen.name)) == 1
    (kept,) = list_kept(either_url, EVERYTHING)
    assert len(kept.decisions) == 1


def test_two_at_once_do_not_announce_twice(either_url: str, slower: list[str]) -> None:
    start = Barrier(4)

    def call(_: int) -> int:
        start.wait()
        return len(told(either_url))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(call, range(4))) == [0, 0, 0, 1]
    assert len(list_kept(either_url, EVERYTHING)) == 1


@pytest.fixture
def several(either: Store) -> None:
    """Two that got slower, of two targets and machines, and what tells their runs apart."""
    add_nights(either, (15, 1.0), case=A, git_commit="a" * 40)
    add_nights(either, (15, 1.1), case=A, git_commit="b" * 40, tags={"night": "late"})
    add_nights(either, (15, 1.0), case=B, target="mine", machine=MORE)
    how = {"target": "mine", "machine": MORE, "suite": "full", "git_commit": "c" * 40}
    add_nights(either, (15, 1.1), case=B, **how)
    add_run(either, {A: [1.0]}, isolation="process", target="other")


def test_filters_choose_by_the_series_and_by_the_first_run(several: None, either_url: str) -> None:
    """The series is whole all the same: of the nights after a change alone there is none."""
    found_by: tuple[tuple[Filters, list[str]], ...] = (
        (Filters(cases=["matmul/*"]), [B, A]),
        (Filters(cases=[B]), [B]),
        (Filters(target="mine"), [B]),
        (Filters(isolation="process"), []),
        (Filters(machine=MORE.fingerprint[:8]), [B]),
        (Filters(commit="b"), [A]),
        (Filters(commit="a"), []),  # before the change
        (Filters(suite="full"), [B]),
        (Filters(tags={"night": "late"}), [A]),
    )
    for filters, cases in found_by:
        assert [each.where["case"] for each in found(either_url, filters)] == cases, filters


def test_what_is_announced_is_chosen_likewise(several: None, either_url: str) -> None:
    for filters, cases in (
        (Filters(commit="b"), [A]),
        (Filters(cases=(A,)), []),
        (EVERYTHING, [B]),
    ):
        assert [each.where["case"] for each in told(either_url, filters)] == cases


@pytest.mark.parametrize(
    "filters",
    [Filters(cases=[B]), Filters(target="mine"), Filters(machine=MORE.fingerprint)],
    ids=str,
)
def test_of_other_series_nothing_is_kept(several: None, either_url: str, filters: Filters) -> None:
    told(either_url, filters)
    assert [each.where["case"] for each in list_kept(either_url, EVERYTHING)] == [B]


def test_names_that_nothing_has_are_mistakes(either_url: str, slower: list[str]) -> None:
    with pytest.raises(UsageError, match="no stored case matches"):
        found(either_url, Filters(cases=["nope/*"]))
    with pytest.raises(UsageError, match="no stored machine"):
        told(either_url, Filters(machine="nope"))


def test_a_machine_that_counts_as_another_keeps_its_regressions(
    either: Store, either_url: str
) -> None:
    add_nights(either, (20, 1.0), (20, 1.1), machine=MORE)
    (first,) = told(either_url)
    add_nights(either, (1, 1.1))
    link(either_url, MORE.fingerprint, MACHINE.fingerprint)
    (linked,) = found(either_url)
    assert (linked.name, linked.where["machine"]) == (first.name, MACHINE.fingerprint)
    assert told(either_url) == ()


def test_of_pruned_runs_it_stays_as_it_was_decided(
    either: Store, either_url: str, slower: list[str]
) -> None:
    (seen,) = found(either_url)
    decided(either_url, "acknowledged", seen.name)
    with either._engine.begin() as connection:
        connection.execute(text("DELETE FROM runs"))
    (one,) = found(either_url)
    assert (one.name, one.state, one.changed) == (seen.name, "acknowledged", None)


def test_a_fix_that_was_seen_is_known_when_its_runs_are_gone(
    either: Store, either_url: str
) -> None:
    add_nights(either, (20, 1.0), (20, 1.1))
    told(either_url)
    fix = add_nights(either, (20, 1.0))[0]
    assert told(either_url) == ()
    (seen,) = found(either_url)
    with either._engine.begin() as connection:
        connection.execute(text("DELETE FROM runs"))
    (one,) = found(either_url)
    assert (one.name, one.state) == (seen.name, "fixed")
    assert one.fixed_at == seen.fixed_at
    assert seen.fixed is not None
    assert seen.fixed.first.run == fix


def test_reading_refuses_an_older_schema_and_writing_upgrades_it(url: str) -> None:
    make(url, 8)
    with pytest.raises(DatabaseFailure, match="has the older schema 0008"):
        found(url)
    heard: list[str] = []
    assert announce(url, EVERYTHING, floor, heard.append) == ()
    assert heard[0] == f"upgrading {url} from schema 0008 to {SCHEMA_VERSION}"


def test_no_database_is_made(url: str) -> None:
    for act in (found, told):
        with pytest.raises(DatabaseFailure, match="no database at"):
            act(url)
