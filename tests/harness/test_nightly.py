"""What is said of a night, from its turns and those of the nights before."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from harness.nightly import REFUTED, Night, before_tonight, overall
from harness.runner.pairs import Turned
from harness.stats.nights import NightRule
from harness.store.nights import Anchor
from tests.harness.test_ab import turned

A, B = "matmul/256/f32", "matmul/512/f32"
RULE = NightRule()
COLUMNS = ["pairing", "case", "launch", "base_s", "candidate_s"]


def night(*cases: str, before: list[list[float]]) -> Night:
    floors = dict.fromkeys(cases, 0.02)
    return Night(cases=cases, floors=floors, before=np.array(before), bridges=0, rule=RULE)


QUIET = [0.0, 0.001, -0.001, 0.0005, -0.0005]


def test_every_case_is_measured_as_often_as_makes_a_night_and_what_is_slower_further() -> None:
    two = night(A, B, before=[QUIET, QUIET])
    assert two.open_cases([]) == (A, B)
    found = [*turned(A, 5, 1.0), *turned(B, 4, 1.0)]
    assert two.open_cases(found) == (B,)
    found = [*turned(A, 5, 1.1), *turned(B, 5, 1.0)]
    assert two.open_cases(found) == (A,)
    assert two.open_cases([*turned(A, 8, 1.1), *turned(B, 5, 1.0)]) == ()


def test_the_ratio_is_to_the_anchor_and_the_verdict_by_the_nights_before() -> None:
    """The anchor has been left behind long ago: 10 % since then is no news."""
    nights = [[np.log(1.1) + each for each in QUIET]]
    (same,) = night(A, before=nights).results(turned(A, 5, 1.1))
    assert same.verdict == "same"
    assert same.ratio == pytest.approx(1.1, rel=1e-3)
    assert same.change == pytest.approx(1.0, abs=1e-3)
    (slower,) = night(A, before=nights).results(turned(A, 8, 1.21))
    assert (slower.verdict, slower.nights, slower.pairs) == ("slower", 5, 8)
    assert slower.change == pytest.approx(1.1, rel=1e-3)
    assert slower.effect == pytest.approx(0.5 * 1.1 * 0.1, rel=0.02)
    assert slower.remarks == ()


def test_too_little_is_told() -> None:
    few, nothing = night(A, B, before=[QUIET[:2], QUIET[:2]]).results(turned(A, 5, 1.5))
    assert (few.verdict, few.change_low) == ("unclear", None)
    assert few.remarks == ("2 night(s) with this anchor before: a verdict wants 4",)
    assert (nothing.verdict, nothing.ratio, nothing.base, nothing.pairs) == (
        "unclear",
        None,
        None,
        0,
    )
    assert nothing.remarks[0] == "0 of 5 launch pairs"


def test_what_is_not_slower_again_says_so() -> None:
    pairs = [*turned(A, 5, 1.1), *turned(A, 13, 1.0)[5:]]
    (found,) = night(A, before=[QUIET]).results(pairs)
    assert (found.verdict, found.remarks) == ("unclear", (REFUTED,))


def test_one_word_for_all() -> None:
    (same,) = night(A, before=[QUIET]).results(turned(A, 5, 1.0))
    assert overall([]) == "unclear"
    assert overall([same]) == "same"
    assert overall([same, replace(same, verdict="faster")]) == "faster"
    assert overall([same, replace(same, verdict="unclear")]) == "unclear"
    worst = [replace(same, verdict="unclear"), replace(same, verdict="slower")]
    assert overall(worst) == "slower"


def test_what_is_kept_has_the_columns_of_a_verdict() -> None:
    (row,) = night(A, before=[QUIET]).verdicts(turned(A, 5, 1.0))
    assert set(row) == {
        *("case", "metric", "unit", "verdict", "ratio", "low", "high"),
        *("pairs", "base", "effect", "remarks"),
    }


def frame(pairing: int, *pairs: Turned) -> pd.DataFrame:
    rows = [(pairing, x.case, x.pair, np.array(x.base_s), np.array(x.candidate_s)) for x in pairs]
    return pd.DataFrame.from_records(rows, columns=COLUMNS)


def anchor(number: int, *, epoch: int = 1, bridge: int | None = None) -> Anchor:
    now = datetime.now(UTC)
    return Anchor(
        *(), id=number, target="cpu", image="i", epoch=epoch, why="", bridge=bridge, pinned_at=now
    )


def test_nights_before_are_means_of_their_first_pairs() -> None:
    turns = pd.concat(
        [
            frame(3, *turned(A, 9, 1.1), *turned(B, 4, 1.0)),  # B's night was not complete
            frame(4, *turned(A, 5, 1.2), *turned("gone", 5, 1.0)),
        ]
    )
    found = before_tonight([anchor(1)], {1: turns}, (A, B), RULE)
    assert found.ratios == pytest.approx(
        np.log([[1.1, 1.2], [np.nan, np.nan]]), abs=1e-3, nan_ok=True
    )
    assert found.bridges == 0
    nothing = before_tonight([], {}, (A, B), RULE)
    assert nothing.ratios.shape == (2, 0)


def test_a_bridge_turns_ratios_to_one_anchor_into_ratios_to_the_next() -> None:
    """The second anchor was 1.2 of the first in night 4, and so 1.1 of the first is 1.1/1.2."""
    turns = {
        1: pd.concat([frame(3, *turned(A, 5, 1.1)), frame(4, *turned(A, 5, 1.2))]),
        2: frame(5, *turned(A, 5, 1.0)),
    }
    chain = [anchor(1), anchor(2, bridge=4)]
    found = before_tonight(chain, turns, (A,), RULE)
    assert found.ratios == pytest.approx(np.log([[1.1 / 1.2, 1.0, 1.0]]), abs=1e-3)
    assert found.bridges == 1


def test_without_its_bridge_a_chain_is_broken() -> None:
    turns = {1: frame(3, *turned(A, 5, 1.1)), 2: frame(5, *turned(A, 5, 1.0))}
    lost = before_tonight([anchor(1), anchor(2, bridge=4)], turns, (A,), RULE)
    assert lost.ratios == pytest.approx(np.log([[np.nan, 1.0]]), abs=1e-3, nan_ok=True)
    fresh = before_tonight([anchor(1), anchor(2, epoch=2)], turns, (A,), RULE)
    assert fresh.ratios == pytest.approx(np.log([[1.0]]), abs=1e-3)
