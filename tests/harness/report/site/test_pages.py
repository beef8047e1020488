"""What pages tell, before a browser draws them."""

import pytest

from harness.archive import Archive, read_archive
from harness.report.site.cases import case_page, cases_table, series_by_case
from harness.report.site.overview import overview, workload_of
from harness.report.site.runs import runs_table
from harness.report.site.site import render
from harness.report.site.table import Cell, Table
from harness.store.filters import Filters
from tests.harness.report.site.filled import AT, EVIL, NIGHTS, SLOWER, STEADY


@pytest.fixture(scope="module")
def archive(filled: str) -> Archive:
    return read_archive(filled, Filters(), lambda _: 0.02)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_the_overview_answers(archive: Archive) -> None:
    page = overview(archive, lambda _: None)
    assert (page.answer.text, page.answer.kind) == ("▲ 1 regression is open", "slower")
    (row,) = texts(page.regressions)
    assert (row[0], row[4]) == (SLOWER, "detected")
    assert "image aaaaaaaaaaaa → bbbbbbbbbbbb" in row[-1]
    assert page.limits is None
    assert dict(page.counts)["machines"] == "2"


def test_a_place_tells_of_its_last_nights(archive: Archive) -> None:
    rows = texts(overview(archive, lambda _: None).latest)
    told = {row[0]: row[-1] for row in rows}
    assert told == {"cpu on node07": "", "cpu on testbed": "= " * 11 + "▲"}


def test_machines_are_relative_to_the_first(archive: Archive) -> None:
    page = overview(archive, lambda _: None)
    assert page.machines is not None
    assert "node07" in page.machines.caption
    (row,) = texts(page.machines)
    told = dict(zip(page.machines.headers, row, strict=True))
    assert (told["where"], told["memory"]) == ("cpu on testbed", f"{3 * 2**27 / 1e10 / 0.4:.3f}")


def test_a_case_has_its_series_levels_and_changes(archive: Archive) -> None:
    page = case_page(archive, SLOWER, series_by_case(archive)[SLOWER])
    lines = {each["name"]: each for each in page.plot["series"]}
    line = lines["cpu on testbed"]
    assert len(line["at"]) == NIGHTS
    assert [(each["first"], each["last"]) for each in line["levels"]] == [(0, 14), (15, 29)]
    assert [each["at"] for each in line["changes"]] == [AT]
    assert all(low["low"] <= low["middle"] <= low["high"] for low in line["levels"])
    nights = lines["cpu on testbed (nights)"]
    assert (nights["unit"], nights["median"][0], nights["value"][0]) == ("ratio", 1.01, 1.01)


def test_points_of_a_case_come_newest_first(archive: Archive) -> None:
    page = case_page(archive, STEADY, series_by_case(archive)[STEADY])
    began = [row[0] for row in texts(page.points)]
    assert began == sorted(began, reverse=True)
    assert len(began) == len(archive.measured[STEADY])


def test_of_few_cases_on_the_first_page_those_that_are_slower_come(archive: Archive) -> None:
    table = cases_table(archive, 1)
    assert [row[0] for row in texts(table)] == [SLOWER]
    assert table.note == f"and {len(archive.measured) - 1} more: see all cases"


def test_runs_come_newest_first_and_say_how_they_ended(archive: Archive) -> None:
    table = runs_table(archive)
    rows = texts(table)
    assert [row[0] for row in rows] == list(archive.runs)[::-1]
    assert {row[2] for row in rows} == {"✓ done", "✗ failed"}


def test_names_are_text_and_no_markup() -> None:
    cell = Cell(text=EVIL, href=f'"{EVIL}')
    table = Table(name="t", caption=EVIL, headers=(EVIL,), rows=[(cell,)], note=f"`{EVIL}`")
    html = render("cases", "cases.html", table).decode()
    assert EVIL not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    assert "<code>&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("case", "workload"),
    [("matmul/256/f32", "matmul"), ("tests/test_x.py::test_y[1]", "tests/test_x.py"), ("x", "x")],
)
def test_a_workload_is_the_first_word(case: str, workload: str) -> None:
    assert workload_of(case) == workload
