"""Places, and the newest runs there."""

from dataclasses import replace
from typing import Any

from harness.store.database import open_for_reading
from harness.store.filters import Filters
from harness.store.links import link
from harness.store.names import read_names
from harness.store.places import (
    Place,
    last_nights,
    newest_by_place,
    places_of,
    read_in_turns,
    read_there,
)
from harness.store.writer import Store
from tests.harness.history import MACHINE, add_run, begin_run
from tests.harness.samples import A, B
from tests.harness.store.nights import add_night, pin

ELSEWHERE = replace(MACHINE, name="node07", cores=64)


def asked(url: str, how: Any, *words: Any, **more: Any) -> Any:
    engine = open_for_reading(url)
    with engine.connect() as connection:
        found = how(
            connection, *(read_names(connection) if x is NAMES else x for x in words), **more
        )
    engine.dispose()
    return found


NAMES = object()


def machines(url: str) -> dict[str, str]:
    """Fingerprints, by host name."""
    engine = open_for_reading(url)
    with engine.connect() as connection:
        names = read_names(connection)
    engine.dispose()
    return {each.name: each.fingerprint for each in names.machines.values()}


def test_of_each_place_the_newest_run_that_measured_anything(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})  # 1
        add_run(store, {A: [1.0]})  # 2
        add_run(store, {A: [1.0]}, machine=ELSEWHERE)  # 3
        add_run(store, {A: [1.0]}, target="mine")  # 4
        add_run(store, {A: [1.0]}, suite="ceilings")  # 5
        add_run(store, {})  # 6
    assert asked(either_url, newest_by_place, Filters(), NAMES) == [4, 3, 2]
    assert asked(either_url, newest_by_place, Filters(target="cpu"), NAMES) == [3, 2]
    assert asked(either_url, newest_by_place, Filters(machine="node07"), NAMES) == [3]


def test_what_others_were_compared_with_is_none_of_them(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_run(store, {A: [1.0]})
        store.pair_runs(2, 1, rounds=21, rule={})
    assert asked(either_url, newest_by_place, Filters(), NAMES) == [1]
    assert asked(either_url, read_in_turns, [1]) == {1}
    assert asked(either_url, read_in_turns, [1, 2]) == {1, 2}


def test_the_last_nights_of_a_place(either_url: str) -> None:
    with Store(either_url) as store:
        anchor = pin(store, "first", None)
        for _ in range(3):
            add_night(store, anchor)
    found = asked(either_url, last_nights, Filters(), NAMES, each=2, most=10)
    assert found == [6, 4]
    assert asked(either_url, last_nights, Filters(), NAMES, each=2, most=1) == [6]


def test_where_a_case_was_measured_last(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_run(store, {A: [1.0], B: [1.0]}, machine=ELSEWHERE)
        add_run(store, {B: [1.0]}, target="mine")
    here, there = machines(either_url)["testbed"], machines(either_url)["node07"]
    found = asked(either_url, places_of, Filters(cases=[A]), NAMES, most=5)
    assert found == [Place(machine=there, target="cpu"), Place(machine=here, target="cpu")]
    found = asked(either_url, places_of, Filters(cases=[B]), NAMES, most=1)
    assert found == [Place(machine=here, target="mine")]


def test_linked_machines_are_one_place(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_run(store, {A: [1.0]}, machine=ELSEWHERE)
    known = machines(either_url)
    link(either_url, known["testbed"], known["node07"])
    place = Place(machine=known["node07"], target="cpu")
    assert asked(either_url, read_there, place, NAMES) == [1, 2]
    assert asked(either_url, places_of, Filters(), NAMES, most=5) == [place]


def test_runs_of_a_place_come_in_the_order_in_which_they_began(either_url: str) -> None:
    with Store(either_url) as store:
        for _ in range(2):
            add_run(store, {A: [1.0]})
        begin_run(store, target="mine")
    place = Place(machine=machines(either_url)["testbed"], target="cpu")
    assert asked(either_url, read_there, place, NAMES) == [1, 2]
