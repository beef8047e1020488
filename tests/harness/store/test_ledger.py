"""The ledger, and how it comes into another database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from harness.regressions import Regression
from harness.store.filters import Filters
from harness.store.ledger import Kept, Ledger, list_kept
from harness.store.merge import merge
from harness.store.prune import prune
from harness.store.writer import Store
from tests.harness.history import MACHINE, add_run
from tests.harness.samples import A
from tests.harness.store.filled import said
from tests.harness.store.nights import taken

BEGAN = datetime(2026, 1, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def a_regression(number: int = 7, **changes: Any) -> Regression:
    where = {"case": A, "machine": MACHINE.fingerprint, "target": "cpu", "isolation": "container"}
    told: dict[str, Any] = {
        "name": "ab12cd34",
        "uuid": UUID(int=number),
        "where": where | {"machine_name": MACHINE.name},
        "unit": "s",
        "run": "a run",
        "started_at": BEGAN,
        "ratio": 1.25,
        "state": "detected",
        **dict.fromkeys(("changed", "kept", "fixed")),
    }
    return Regression(**told | changes)


def put(url: str, *found: Regression, announced: bool = False) -> None:
    with Ledger(url) as ledger:
        ledger.write(lambda entries: entries.add(found))
        if announced:
            ledger.write(lambda entries: entries.announce([each.uuid for each in found]))


def decide(url: str, uuid: UUID, state: str, reason: str = "why") -> None:
    with Ledger(url) as ledger:
        ledger.write(lambda entries: entries.decide([uuid], state=state, reason=reason, who="me"))


def kept(url: str, **filters: Any) -> tuple[Kept, ...]:
    return list_kept(url, Filters(**filters))


@pytest.fixture
def run(source: str) -> str:
    """The name of one in the database at `source`."""
    with Store(source) as store:
        return add_run(store, {A: [1.0]})


def test_it_tells_what_was_put_in(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
    put(either_url, a_regression())
    decide(either_url, UUID(int=7), "ignored")
    decide(either_url, UUID(int=7), "detected", "it matters \0 after all")
    (one,) = kept(either_url)
    assert (one.name, one.uuid, one.run, one.ratio) == ("ab12cd34", UUID(int=7), "a run", 1.25)
    assert one.started_at == BEGAN
    assert one.where == a_regression().where
    assert (one.announced_at, one.found_at.tzinfo) == (None, UTC)
    reasons = ["why", "it matters \N{REPLACEMENT CHARACTER} after all"]
    assert [each.reason for each in one.decisions] == reasons


def test_what_is_asked_for_is_chosen(source: str, run: str) -> None:
    one = a_regression()
    put(source, one, a_regression(8, name="other", where={**one.where, "isolation": "process"}))
    assert [each.name for each in kept(source, isolation="process")] == ["other"]
    assert len(kept(source, cases=["matmul/*"], machine=MACHINE.name, target="cpu")) == 2


def test_a_name_that_another_one_has_gets_a_number(source: str, run: str) -> None:
    put(source, a_regression())
    put(source, a_regression(8))
    assert [each.name for each in kept(source)] == ["ab12cd34", "ab12cd34-2"]


def test_it_comes_into_another_database_once(source: str, run: str, either_url: str) -> None:
    put(source, a_regression(run=run), announced=True)
    decide(source, UUID(int=7), "ignored")
    for _ in range(2):
        with Store(either_url) as store:
            assert merge(source, store).unreadable == []
        assert said(either_url) == said(source)


def test_two_databases_that_know_the_same_one_know_all_decisions(
    source: str, run: str, either_url: str
) -> None:
    taken(source, either_url)
    put(source, a_regression(run=run))
    put(either_url, a_regression(run=run), announced=True)
    decide(source, UUID(int=7), "acknowledged")
    decide(either_url, UUID(int=7), "ignored")
    before = kept(either_url)[0].announced_at
    taken(source, either_url)
    (one,) = kept(either_url)
    assert [each.state for each in one.decisions] == ["acknowledged", "ignored"]
    assert (one.name, one.announced_at) == ("ab12cd34", before)


def test_that_it_was_announced_there_is_known_here(source: str, run: str, either_url: str) -> None:
    taken(source, either_url)
    put(either_url, a_regression(run=run))
    put(source, a_regression(run=run), announced=True)
    taken(source, either_url)
    assert kept(either_url)[0].announced_at == kept(source)[0].announced_at is not None


def test_another_one_of_its_name_keeps_it_there(source: str, run: str, either_url: str) -> None:
    taken(source, either_url)
    put(either_url, a_regression(run="another"))
    put(source, a_regression(8, run=run))
    taken(source, either_url)
    assert {each.name: each.run for each in kept(either_url)} == {
        "ab12cd34": "another",
        "ab12cd34-2": run,
    }


def test_its_run_is_called_as_it_is_there(source: str, run: str, url: str) -> None:
    with Store(url) as store:
        add_run(store, {A: [1.0]})
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET name = :name"), {"name": run})
    engine.dispose()
    put(source, a_regression(run=run))
    taken(source, url)
    assert kept(url)[0].run == f"{run}-2"


def test_it_comes_with_its_first_run(source: str, run: str, url: str) -> None:
    with Store(source) as store:
        other = add_run(store, {A: [1.0]})
    put(source, a_regression(run=run), a_regression(8, run=other, name="other"))
    taken(source, url, runs=[other])
    assert [each.name for each in kept(url)] == ["other"]
    taken(source, url)
    assert said(url)["regressions"] == said(source)["regressions"]


def test_a_damaged_one_is_told_and_the_rest_comes(source: str, run: str, url: str) -> None:
    put(source, a_regression(run=run))
    engine = create_engine(source)
    with engine.begin() as connection:
        connection.execute(text("UPDATE regressions SET found_at = 'once'"))
    engine.dispose()
    with Store(url) as store:
        merged = merge(source, store)
    assert (merged.runs, merged.unreadable) == ([run], ["regressions"])


def test_pruning_loses_none(either_url: str) -> None:
    with Store(either_url) as store:
        name = add_run(store, {A: [1.0]})
    put(either_url, a_regression(run=name))
    decide(either_url, UUID(int=7), "ignored")
    before = kept(either_url)
    pruned = prune(
        either_url,
        datetime(2100, 1, 1, tzinfo=UTC),
        whole_runs=True,
        dry_run=False,
        say=pytest.fail,
    )
    assert (pruned.runs, kept(either_url)) == ((name,), before)
