"""Nights as the store tells them, on both databases."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from harness.errors import UsageError
from harness.store.filters import Filters
from harness.store.listing import checked
from harness.store.ratios import read_nights
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.samples import A, B, parsed_environment
from tests.harness.store.nights import VERDICT


@pytest.fixture
def either(either_url: str) -> Iterator[Store]:
    with Store(either_url) as opened:
        yield opened


def pin(store: Store, bridge: int | None = None) -> int:
    return store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="asked", bridge=bridge
    )


def night(store: Store, anchor: int, *verdicts: Mapping[str, Any], **run: Any) -> int:
    """Its pairing."""
    (base, _), (candidate, _) = (begin_run(store, **run) for _ in range(2))
    launch = store.begin_launch(candidate, index=0, part=0, limits={}, env={})
    store.set_environment(launch, parsed_environment())
    pairing = store.pair_runs(base, candidate, rounds=21, rule={}, anchor=anchor)
    for each in (base, candidate):
        store.end_run(each, "done")
    store.add_verdicts(pairing, [{**VERDICT, "pairs": 5, **verdict} for verdict in verdicts])
    return pairing


def asked(url: str, **filters: Any) -> list[dict[str, Any]]:
    wanted = Filters(**filters)
    with checked(url, wanted) as (connection, names):
        columns = read_nights(connection, wanted, names, least_pairs=5)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_a_night_has_its_ratio_and_what_it_was_measured_with(
    either: Store, either_url: str
) -> None:
    anchor = pin(either)
    night(either, anchor, {"ratio": 1.25}, git_commit="c" * 40)
    (row,) = asked(either_url)
    assert (row["case"], row["ratio"], row["anchor"]) == (A, 1.25, anchor)
    assert (row["machine"], row["machine_name"]) == (MACHINE.fingerprint, MACHINE.name)
    assert (row["image"], row["git_commit"], row["suite"]) == (IMAGE[0], "c" * 40, "quick")
    assert row["jax"] == parsed_environment().jax
    assert (row["bridged_anchor"], row["bridge_ratio"]) == (None, None)


@pytest.mark.parametrize(
    "verdict",
    [{"metric": "memory"}, {"ratio": None}, {"pairs": 4}],
    ids=lambda each: next(iter(each)),
)
def test_what_is_no_whole_night_of_times_is_left_out(
    either: Store, either_url: str, verdict: dict[str, Any]
) -> None:
    night(either, pin(either), verdict)
    assert asked(either_url) == []


def test_an_anchor_tells_what_ties_it_to_the_one_before(either: Store, either_url: str) -> None:
    """Whatever is asked for: the night in which both were measured may be of another suite."""
    first = pin(either)
    bridge = night(either, first, {"ratio": 1.5}, {"case": B, "ratio": 3.0}, suite="full")
    second = pin(either, bridge)
    for case in (A, B):
        night(either, second, {"case": case, "ratio": 1.0})
    rows = asked(either_url, suite="quick")
    told = {
        row["case"]: (row["anchor"], row["bridged_anchor"], row["bridge_ratio"]) for row in rows
    }
    assert told == {A: (second, first, 1.5), B: (second, first, 3.0)}


def test_anchors_come_as_they_were_pinned(either: Store, either_url: str) -> None:
    """Merged ones have later numbers."""
    later, earlier = pin(either), pin(either)
    with either._engine.begin() as connection:
        connection.execute(
            text("UPDATE anchors SET pinned_at = '2020-01-01 00:00:00' WHERE id = :earlier"),
            {"earlier": earlier},
        )
    for anchor in (later, earlier):
        night(either, anchor, {})
    assert [row["anchor"] for row in asked(either_url)] == [earlier, later]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"cases": ["*"]}, [1.0, 2.0]),
        ({"target": "cpu"}, [1.0, 2.0]),
        ({"commit": "a"}, [1.0]),
        ({"jax": parsed_environment().jax}, [1.0, 2.0]),
    ],
    ids=str,
)
def test_filters_are_of_the_night_s_run(
    either: Store, either_url: str, filters: dict[str, Any], found: list[float]
) -> None:
    anchor = pin(either)
    add_run(either, {A: [1.0]}, environment={"jax": "0.1"})
    night(either, anchor, {"ratio": 1.0}, git_commit="a" * 40)
    night(either, anchor, {"ratio": 2.0}, git_commit="b" * 40)
    assert [row["ratio"] for row in asked(either_url, **filters)] == found
    assert asked(either_url, jax="0.1") == []
    with pytest.raises(UsageError, match="no stored run had JAX"):
        asked(either_url, jax="9")
