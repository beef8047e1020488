"""Pages of rows, with the command's streams in hand."""

import argparse
import json
import tracemalloc
from pathlib import Path

import pytest

from harness.cli.pages import in_order
from tests.benchmarks.years import Years, fill
from tests.harness.asked import ENDLESS_ROWS, YEARS, answered
from tests.harness.called import called


def test_rows_are_sorted_by_number_and_come_in_pages(folder: Path) -> None:
    everything = answered("query", "--metric", "time", "--metric", "memory")
    assert len(everything) == YEARS.measurements
    moments = [row["started_at"] for row in everything]
    assert moments == sorted(moments, reverse=True)
    pages = []
    for page in (1, 2, 3):
        words = ("query", "--sort", "median_s", "--limit", "25", "--page", str(page))
        code, out, err = called(*words, "--format", "json")
        pages += [row["median_s"] for row in json.loads(out)]
        assert code == 0
        if page < 3:
            first = 25 * page - 24
            assert err == (
                f"jaxrig: rows {first} to {first + 24}; the next: "
                f"jaxrig query --sort median_s --limit 25 --format json --page {page + 1}\n"
            )
        else:
            assert err == "jaxrig: rows 51 to 60\n"
    assert pages == sorted(row["median_s"] for row in everything)
    ends_there = ("query", "--limit", "30", "--page", "2")
    assert called(*ends_there)[2] == "jaxrig: rows 31 to 60\n"
    slowest = answered("query", "--sort", "median_s:desc", "--limit", "1")
    assert slowest[0]["median_s"] == pages[-1]
    newest = [answered("query", "--limit", "7", "--page", str(page)) for page in range(1, 10)]
    assert [row["run"] for page in newest for row in page] == [row["run"] for row in everything]
    assert called("query", "--page", "9")[2] == "jaxrig: page 9 is behind the last row\n"


def test_what_is_unknown_comes_last_and_equal_rows_as_they_were(folder: Path) -> None:
    rows = [(None, 0), (2.0, 1), (1.0, 2), (None, 3), (2.0, 4)]
    for descending, expected in ((False, [2, 1, 4, 0, 3]), (True, [1, 4, 2, 0, 3])):
        for limit in (None, 1, 3, 9):
            asked = argparse.Namespace(limit=limit, page=None, format="json")
            found = in_order(iter(rows), 0, asked, descending=descending)
            behind = len(rows) if limit is None else limit + 1
            assert [row[1] for row in found][:behind] == expected[:behind]


def test_no_more_rows_are_kept_than_a_page_takes() -> None:
    asked = argparse.Namespace(limit=5, page=2, format="json")
    for values in (range(20_000), [None] * 20_000):
        tracemalloc.start()
        rows = ((value, bytes(1000)) for value in values)
        assert len(in_order(rows, 0, asked, descending=True)) == 11
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1e6


@pytest.fixture
def more(folder: Path) -> str:
    """The URL of 120 rows."""
    url = f"sqlite:///{folder}/more.db"
    fill(url, Years(machines=4, targets=2, cases=5, nights=3, samples=1, seed=2))
    return url


@pytest.mark.parametrize("words", [("query",), ("history", "*")])
def test_tables_are_pages_by_themselves(more: str, words: tuple[str, ...]) -> None:
    code, out, err = called(*words, "--db", more)
    assert (code, out.count("\n")) == (0, 2 + 100)
    assert f"rows 1 to 100; the next: jaxrig {words[0]} " in err
    rest = called(*words, "--db", more, "--page", "2")
    assert (rest.code, rest.out.count("\n")) == (0, 2 + 20)
    assert "rows 101 to 120" in rest.err


def test_a_page_that_is_asked_for_is_one(more: str) -> None:
    everything = called("query", "--db", more, "--format", "csv").out.splitlines()
    for page, lines in ((1, everything[:101]), (2, everything[:1] + everything[101:])):
        code, out, err = called("query", "--db", more, "--format", "csv", "--page", page)
        assert (code, out.splitlines()) == (0, lines)
        assert f"jaxrig: rows {(page - 1) * 100 + 1} to " in err


def test_so_are_pages_of_a_statement_s_rows(more: str) -> None:
    words = ("query", "--db", more, "--sql", "SELECT id FROM measurements ORDER BY id")
    for form, lines in (("table", 2 + 100), ("md", 2 + 100), ("csv", 1 + 120)):
        code, out, err = called(*words, "--format", form)
        assert (code, out.count("\n")) == (0, lines)
        assert ("rows 1 to 100; the next: jaxrig query" in err) == (form != "csv")
    code, out, err = called(*words, "--format", "csv", "--limit", "50", "--page", "3")
    assert (code, out.split(), err) == (
        0,
        ["id", *map(str, range(101, 121))],
        "jaxrig: rows 101 to 120\n",
    )


def test_a_statement_s_endless_rows_are_a_page_too(folder: Path) -> None:
    code, out, err = called("query", "--sql", ENDLESS_ROWS, "--limit", "3", "--format", "csv")
    assert (code, out) == (0, "n\n0\n1\n2\n")
    assert "rows 1 to 3; the next: " in err
