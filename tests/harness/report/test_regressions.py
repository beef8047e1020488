"""What `jaxrig regressions` shows: the table to the letter, and what scripts rely on."""

from typing import Any

import pytest

from harness.regressions import Regression
from harness.report.regressions import announced_view, count, regressions_view, slower
from harness.report.view import render
from tests.harness.report.test_views import document, matches_golden
from tests.harness.store.test_ledger import a_regression
from tests.harness.test_regressions import WHERE, change, followed, kept, series

MISSING = ("low", "high", "before", "after", "provisional", "last_run", "differs")


@pytest.fixture
def found() -> tuple[Regression, ...]:
    """One that somebody ignores, one that nobody saw yet, one of which nothing is left."""
    gone = WHERE | {"case": "gone", "isolation": "process"}
    provisional = change(45, 1.1, 1.3, provisional=True)
    return followed(
        [series(change(20, 1.0, 1.1), provisional)],
        kept(20, "acknowledged", "ignored"),
        kept(30, where=gone),
    )


def test_the_table_is_the_golden_one(found: tuple[Regression, ...]) -> None:
    matches_golden(regressions_view(found), "regressions")


def test_an_announcement_is_the_golden_one(found: tuple[Regression, ...]) -> None:
    matches_golden(announced_view(found[:1], "table"), "announced")
    assert render(announced_view(found, "md"), "md").startswith(
        "### jaxrig: 3 regressions found\n\n"
    )


def test_what_its_series_does_not_show_is_none(found: tuple[Regression, ...]) -> None:
    records: dict[str, Any] = {each["run"]: each for each in document(regressions_view(found))}
    gone, new, ignored = (records[run] for run in ("r30", "r45", "r20"))
    assert [gone[name] for name in MISSING] == [None] * len(MISSING)
    assert (gone["ratio"], gone["state"], gone["case"]) == (1.5, "detected", "gone")
    assert (new["found_at"], new["announced_at"], new["decisions"]) == (None, None, [])
    assert (new["before"], new["after"], new["provisional"]) == (1.1, 1.3, True)
    assert [each["state"] for each in ignored["decisions"]] == ["acknowledged", "ignored"]
    assert ignored["decisions"][0]["decided_at"].endswith("+00:00")


def test_a_fix_is_told_with_its_run() -> None:
    (one,) = followed([series(change(20, 1.0, 1.1), change(40, 1.1, 1.0))])
    (record,) = document(regressions_view([one]))
    assert (record["state"], record["fixed_run"]) == ("fixed", "r40")
    assert record["fixed_at"].startswith("2026-02-10T00:00:00")


def test_they_are_counted_and_measured() -> None:
    assert [count([a_regression()] * number) for number in range(3)] == [
        "0 regressions",
        "1 regression",
        "2 regressions",
    ]
    assert slower(a_regression(ratio=1.104)) == "+10.4 %"
