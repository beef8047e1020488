"""`jaxrig history --changes`, as it is typed."""

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import IMAGE, MACHINE, add_run, begin_run
from tests.harness.store.nights import VERDICT

NIGHTS, AT = 40, 25
CASE, STEADY = "matmul/256/f32", "matmul/512/f32"
OTHER = ("sha256:" + "b" * 64, "jaxrig/cpu:5678")


@pytest.fixture
def nights(store: Store) -> list[str]:
    """Runs of nights, their names; from one on a case takes a tenth longer, by another image."""
    noise = np.exp(0.01 * np.random.default_rng(1).standard_normal((NIGHTS, 2)))
    return [
        add_run(
            store,
            {CASE: [noise[night, 0] * (1.1 if night >= AT else 1.0)], STEADY: [noise[night, 1]]},
            image=OTHER if night >= AT else IMAGE,
            git_commit=f"{night:040x}",
        )
        for night in range(NIGHTS)
    ]


def test_a_change_is_told_with_its_night_and_what_came_with_it(
    jaxrig: Jaxrig, nights: list[str]
) -> None:
    done = jaxrig("history", "*", "--changes", "--format", "json")
    (found,) = json.loads(done.out)
    assert (found["case"], found["run"], found["last_run"]) == (CASE, nights[AT], nights[AT - 1])
    assert found["low"] < 1.1 < found["high"]
    assert found["ratio"] == pytest.approx(1.1, rel=0.02)
    assert found["differs"]["image"] == [IMAGE[0], OTHER[0]]
    assert found["differs"]["git_commit"] == [f"{AT - 1:040x}", f"{AT:040x}"]
    assert set(found["differs"]) == {"image", "git_commit"}
    assert found["started_at"].endswith("+00:00")
    assert found["provisional"] is False


def test_the_table_says_it_in_a_line(jaxrig: Jaxrig, nights: list[str]) -> None:
    done = jaxrig("history", "*", "--changes")
    (line,) = [line for line in done.out.splitlines() if CASE in line]
    assert "1.00 s" in line
    assert "1.10 s" in line
    assert "image aaaaaaaaaaaa → bbbbbbbbbbbb" in line
    assert "2 series were looked at" in done.out
    assert STEADY not in done.out


def test_few_runs_are_told(jaxrig: Jaxrig, store: Store) -> None:
    for time_s in (1.0, 2.0, 2.0):
        add_run(store, {CASE: [time_s]})
    done = jaxrig("history", "*", "--changes")
    assert "1 of them with too few runs" in done.out
    assert json.loads(jaxrig("history", "*", "--changes", "--format", "json").out) == []


def test_a_floor_of_one_s_own_is_the_least_that_matters(
    jaxrig: Jaxrig, nights: list[str], tmp_path: Path
) -> None:
    (tmp_path / "jaxrig.toml").write_text('[floors]\n"matmul/*" = 0.2\n')
    assert json.loads(jaxrig("history", "*", "--changes", "--format", "json").out) == []


def test_a_change_of_a_week_is_provisional(jaxrig: Jaxrig, store: Store) -> None:
    for night in range(30):
        noise = 1 + 0.01 * (night % 3)
        add_run(store, {CASE: [noise * (1.2 if night >= 24 else 1.0)]})
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert found["provisional"] is True
    assert "later ones may take it back" in jaxrig("history", CASE, "--changes").out


def test_changes_come_in_pages(jaxrig: Jaxrig, store: Store) -> None:
    for night in range(36):
        add_run(store, {CASE: [1.0 + night // 12]})
    first, second, third = (
        jaxrig("history", "*", "--changes", "--limit", "1", "--page", page, "--format", "json")
        for page in ("1", "2", "3")
    )
    found = json.loads(first.out) + json.loads(second.out)
    assert [each["after"] for each in found] == pytest.approx([2.0, 3.0])
    assert "the next: " in first.err
    assert (json.loads(third.out), "page 3 is behind the last row" in third.err) == ([], True)


@pytest.fixture
def anchored(store: Store) -> int:
    """Nights with an anchor: the ratio rises by a tenth from one on. Its place."""
    anchor = store.pin_anchor(
        machine=MACHINE, target="cpu", image=IMAGE, epoch=1, why="first", bridge=None
    )
    noise = np.random.default_rng(2).standard_normal(NIGHTS)
    for night in range(NIGHTS):
        (base, _), (candidate, _) = (begin_run(store, git_commit=f"{night:040x}") for _ in range(2))
        pairing = store.pair_runs(base, candidate, rounds=21, rule={}, anchor=anchor)
        for run in (base, candidate):
            store.end_run(run, "done")
        ratio = float(np.exp(0.01 * noise[night])) * (1.1 if night >= AT else 1.0)
        store.add_verdicts(pairing, [{**VERDICT, "case": CASE, "ratio": ratio, "pairs": 5}])
    return AT


def test_nights_are_ratios_to_their_anchor(jaxrig: Jaxrig, anchored: int, store: Store) -> None:
    add_run(store, {CASE: [1.0]})  # the name of a case is known by what was measured
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert (found["unit"], found["provisional"]) == ("ratio", False)
    assert found["differs"]["git_commit"][1] == f"{anchored:040x}"
    assert found["ratio"] == pytest.approx(1.1, rel=0.02)
    assert jaxrig("history", CASE, "--changes").out.count(" of the anchor") == 2


def test_runs_that_were_measured_in_turns_are_no_points(jaxrig: Jaxrig, store: Store) -> None:
    """Another process lived beside each of theirs, on either side."""
    for _ in range(15):
        add_run(store, {CASE: [1.0]})
    for _ in range(15):
        base, candidate = (run_id(store, add_run(store, {CASE: [3.0]})) for _ in range(2))
        store.pair_runs(base, candidate, rounds=21, rule={})
    assert json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out) == []
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM pairings"))
    (found,) = json.loads(jaxrig("history", CASE, "--changes", "--format", "json").out)
    assert found["ratio"] == pytest.approx(3.0)


def run_id(store: Store, name: str) -> int:
    with store._engine.begin() as connection:
        query = text("SELECT id FROM runs WHERE name = :name")
        return int(connection.execute(query, {"name": name}).scalar_one())


def test_a_nightly_jax_is_told_in_full(jaxrig: Jaxrig, store: Store) -> None:
    """Versions differ at their end."""
    versions = ("0.11.0.dev20261101", "0.11.0.dev20261102")
    for night in range(24):
        told = {"jax": versions[night // 12]}
        add_run(store, {CASE: [1.0 + night // 12]}, environment=told)
    assert " → ".join(versions) in jaxrig("history", CASE, "--changes").out
