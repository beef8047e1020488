"""What pages tell, before a browser draws them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.archive import Archive, read_archive
from harness.limits import ceilings_of
from harness.report.site import addresses
from harness.report.site import overview as overviews
from harness.report.site.cases import case_page, cases_table, series_by_case
from harness.report.site.comparing import data_of
from harness.report.site.machines import machines_page
from harness.report.site.overview import overview, workload_of
from harness.report.site.regressions import regressions_table
from harness.report.site.runs import run_page, runs_table
from harness.report.site.site import render
from harness.report.site.table import Cell, Table, body, number
from harness.stats.changepoints import LEAST
from harness.store.filters import Filters
from harness.store.reader import CEILINGS, Reader
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


@pytest.mark.parametrize(
    ("isolation", "image"),
    [
        ("process", "none: plain processes"),
        ("container", "none: it could not begin"),
        ("imported", "none"),
    ],
)
def test_a_run_without_an_image_says_why(archive: Archive, isolation: str, image: str) -> None:
    run = replace(next(iter(archive.runs.values())), image=None, isolation=isolation)
    assert dict(run_page(archive, run, {}, None).facts)["image"] == image


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


def test_where_nothing_is_open_it_says_in_how_many_series(archive: Archive) -> None:
    page = overview(replace(archive, regressions=()), lambda _: None)
    count = sum(len(each.points) >= 2 * LEAST for each in archive.series)
    assert 0 < count < len(archive.series)
    assert page.answer.text == f"= Nothing: no regression is open in {count} series"


def test_of_many_nights_the_last_are_told(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overviews, "MOST_NIGHTS", 3)
    rows = texts(overview(archive, lambda _: None).latest)
    assert [row[-1] for row in rows] == ["", "= = ▲"]


def test_a_night_is_as_bad_as_its_worst_verdict(archive: Archive) -> None:
    *nights, last = archive.pairings
    same, slower = (replace(last.verdicts[0], verdict=word) for word in ("same", "slower"))
    mixed = replace(last, verdicts=(same, slower, same))
    rows = texts(overview(replace(archive, pairings=(*nights, mixed)), lambda _: None).latest)
    assert rows[-1][-1] == "= " * 11 + "▲"


def test_of_several_pairings_of_the_newest_run_the_newest_is_told(archive: Archive) -> None:
    newest, night = archive.latest[-1].run, archive.pairings[-1]
    verdicts = [
        tuple(replace(night.verdicts[0], verdict=word) for word in words)
        for words in (("faster",), ("same", "same"), ())
    ]
    pairings = [replace(night, candidate=newest, verdicts=each) for each in verdicts]
    (row,) = texts(overview(replace(archive, pairings=pairings), lambda _: None).latest)[-1:]
    assert row[-2] == "2 same"


def test_a_line_marks_where_its_level_changed(filled: str) -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=NIGHTS + 1)
    few = read_archive(filled, Filters(until=until), lambda _: 0.02)
    marks = {
        row[0].text: (row[1].html or "").count('class="mark"') for row in cases_table(few).rows
    }
    assert marks == {SLOWER: 1, STEADY: 0}


def test_a_commit_with_changes_says_so(archive: Archive) -> None:
    run = replace(archive.latest[-1], git_commit="f" * 40, git_dirty=True)
    assert dict(run_page(archive, run, {}, None).facts)["commit"] == "f" * 40 + " (with changes)"


def test_a_run_that_was_pruned_has_no_page(archive: Archive) -> None:
    began = [regressions_table(archive, runs).rows[0][2].href for runs in (None, ())]
    assert began == [addresses.of_run(archive.open[0].run), None]


def test_machines_show_the_newest_ceilings_of_a_place_once(archive: Archive, filled: str) -> None:
    (measured,) = (run for run in archive.runs.values() if run.suite == CEILINGS)
    both = {name: replace(measured, run=name) for name in ("older", "newer")}
    with Reader(filled) as reader:
        found = ceilings_of(reader, measured)
    page = machines_page(replace(archive, runs=both), lambda _: found)
    assert [cell.text for _, cell, _ in page.ceilings] == ["newer"]
    kept = machines_page(
        replace(archive, runs=both), lambda run: found if run.run == "older" else None
    )
    assert [cell.text for _, cell, _ in kept.ceilings] == ["older"]


def test_of_machines_those_that_ran_are_shown(filled: str) -> None:
    found = read_archive(filled, Filters(machine="node07"), lambda _: 0.02)
    assert list(machines_page(found, lambda _: None).facts.headers) == ["fact", "node07"]


def test_runs_are_compared_by_their_times(archive: Archive) -> None:
    *nights, last = archive.pairings
    (verdict,) = last.verdicts
    memory = replace(verdict, metric="memory", ratio=3.0)
    found = replace(archive, pairings=[*nights, replace(last, verdicts=(verdict, memory))])
    told = data_of(found, found.runs[last.candidate], {}).decode()
    assert str(verdict.ratio) in told
    assert "3.0" not in told


def test_a_cell_is_sorted_by_its_number() -> None:
    cell = number("1.0 ms", 0.001)
    table = Table(name="t", caption="", headers=("a",), rows=[(cell,)])
    assert body(table, "") == '<tr><td data-sort="0.001">1.0 ms</td></tr>'
