"""Which stored runs measured the same thing, and what they tell of the machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.spread import Spread, spread_of

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTING = {
    "target": "cpu",
    "suite": "quick",
    "image": 1,
    "source": None,
    "environment": 1,
    "limits": "{}",
    "env": "{}",
    "parameters": "{}",
    "hlo_sha256": "0",
}


def rows(run: str, *medians: float, day: int = 0, case: str = "a", **setting: Any) -> pd.DataFrame:
    """One run's launches of a case."""
    facts = {"run": run, "started_at": START + timedelta(days=day), "case": case}
    return pd.DataFrame([facts | {"median_s": each} | SETTING | setting for each in medians])


def spread(*runs: pd.DataFrame, compared: tuple[str, ...] = ()) -> Spread:
    return spread_of(pd.concat(runs, ignore_index=True), ["a"], compared)


def freedom(*runs: pd.DataFrame, compared: tuple[str, ...] = ()) -> float:
    return float(spread(*runs, compared=compared).components.between_freedom[0])


def test_equal_runs_are_a_group_and_their_means_scatter() -> None:
    found = spread(rows("1", 1.0, 1.0), rows("2", np.e, np.e, day=3), rows("3", 1.0, day=1))
    assert found.components.between_freedom[0] == 2
    assert found.components.between[0] == pytest.approx(1 / 3)
    assert found.components.within_freedom[0] == 2
    assert found.span_s == 3 * 86400


@pytest.mark.parametrize("name", SETTING)
def test_whatever_changed_makes_another_group(name: str) -> None:
    other: dict[str, Any] = {name: 2 if isinstance(SETTING[name], int) else "other"}
    assert freedom(rows("1", 1.0), rows("2", 9.0)) == 1
    assert freedom(rows("1", 1.0), rows("2", 9.0, **other)) == 0


def test_a_run_of_several_codes_is_like_a_run_of_the_same_several() -> None:
    def mixed(run: str, *codes: str) -> list[pd.DataFrame]:
        return [rows(run, 1.0, hlo_sha256=code) for code in codes]

    assert freedom(*mixed("1", "0", "1"), *mixed("2", "1", "0")) == 1
    assert freedom(*mixed("1", "0", "1"), *mixed("2", "0", "0")) == 0


def test_compared_runs_tell_of_their_launches_only() -> None:
    runs = [rows("1", 1.0), rows("2", 1.0), rows("3", 1.0, 2.0, 4.0)]
    found = spread(*runs, compared=("3",))
    assert found.components.between_freedom[0] == 1
    assert found.components.within_freedom[0] == 2


@pytest.mark.parametrize(("others", "lacking"), [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0), (9, 0)])
def test_how_many_runs_are_lacking_counts_those_that_are_like_the_compared(
    others: int, lacking: int
) -> None:
    runs = [rows(str(number), 1.0) for number in range(others)]
    found = spread(*runs, rows("base", 1.0), compared=("base", "candidate"))
    assert found.runs_lacking.tolist() == [lacking]


def test_without_history_everything_is_unknown() -> None:
    found = spread_of(rows("1", 1.0).iloc[:0], ["a", "b"], ("base",))
    assert found.runs_lacking.tolist() == [4, 4]
    assert found.span_s == 0.0


def test_other_cases_are_no_matter() -> None:
    found = spread(
        rows("1", 1.0), rows("2", 1.0), rows("1", 1.0, case="b"), rows("3", 5.0, case="b")
    )
    assert found.components.between.tolist() == [0.0]
