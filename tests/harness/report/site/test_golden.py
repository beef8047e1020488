"""Every page's content, to the letter: its tables, its facts, and what its plots draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.archive import Archive, read_archive
from harness.limits import ceilings_of, limits_of
from harness.report.site.cases import case_page, cases_table, series_by_case
from harness.report.site.comparing import choices, data_of
from harness.report.site.machines import machines_page
from harness.report.site.overview import overview
from harness.report.site.runs import run_page, runs_table
from harness.report.site.site import by_run
from harness.report.site.table import Cell, Table
from harness.store.filters import Filters
from harness.store.reader import CEILINGS, Reader, Run
from tests.harness.report.site.filled import EVIL, SLOWER

GOLDEN = Path(__file__).parents[2] / "golden" / "site"
FIRST = 3
"""Of long lists, the first and the last ones, and how many there are."""


@pytest.fixture(scope="module")
def archive(filled: str) -> Archive:
    return read_archive(filled, Filters(), lambda _: 0.02)


@pytest.fixture(scope="module")
def pages(filled: str, archive: Archive) -> Mapping[str, Any]:
    with Reader(filled) as reader:
        stored = reader.runs(suite=CEILINGS)
        limits = {run.run: limits_of(reader, run, stored) for run in archive.runs.values()}
        machines = machines_page(archive, lambda run: ceilings_of(reader, run))
    return {
        "overview": overview(archive, lambda run: (limits[run.run] or (None,))[0]),
        "cases": cases_table(archive),
        "case": case_page(archive, SLOWER, series_by_case(archive)[SLOWER]),
        "case-once": case_page(archive, EVIL, series_by_case(archive)[EVIL]),
        "runs": runs_table(archive),
        "machines": machines,
        "choices": choices(archive),
        "run-failed": _run(archive, limits, status="failed"),
        "run-labelled": _run(archive, limits, suite="standard"),
        "run-in-turns": _run(archive, limits, run=archive.pairings[-1].candidate),
        "data-in-turns": _data(archive, archive.pairings[-1].candidate),
    }


def _run(archive: Archive, limits: Mapping[str, Any], **told: str) -> Any:
    run = _one(archive, **told)
    return run_page(archive, run, by_run(archive)[run.run], limits[run.run])


def _data(archive: Archive, name: str) -> str:
    return data_of(archive, archive.runs[name], by_run(archive)[name]).decode()


def _one(archive: Archive, **told: str) -> Run:
    (run,) = (
        run
        for run in archive.runs.values()
        if all(getattr(run, name) == value for name, value in told.items())
    )
    return run


@pytest.mark.parametrize(
    "name",
    [
        *("overview", "cases", "case", "case-once", "runs", "machines", "choices"),
        *("run-failed", "run-labelled", "run-in-turns", "data-in-turns"),
    ],
)
def test_the_page_is_the_golden_one(archive: Archive, pages: Mapping[str, Any], name: str) -> None:
    """To accept a change, write the text shown into the file."""
    text = "\n".join(lines(pages[name], name)) + "\n"
    for place, run in enumerate(archive.runs):
        text = text.replace(run, f"RUN-{place:02}")
    for place, each in enumerate(archive.regressions):
        text = text.replace(each.name, f"REGRESSION-{place}")
    assert text == (GOLDEN / f"{name}.txt").read_text()


def lines(value: Any, name: str) -> Iterator[str]:
    match value:
        case Table():
            yield from _table(value)
        case Cell():
            yield f"{name}: {_cell(value)}"
        case Mapping():
            for key, each in value.items():
                yield from lines(each, f"{name}.{key}")
        case str() | int() | float() | None:
            yield f"{name}: {_number(value)}"
        case [*some] if some and all(isinstance(each, str | int | float | None) for each in some):
            yield f"{name}: {_list(some)}"
        case [*some]:
            for place, each in enumerate(some):
                yield from lines(each, f"{name}[{place}]")
        case _ if is_dataclass(value):
            for field in fields(value):
                yield from lines(getattr(value, field.name), f"{name}.{field.name}")
        case _:
            raise AssertionError(f"{name} is a {type(value)}")


def _table(table: Table) -> Iterator[str]:
    yield f"table {table.name}: {table.caption}"
    numbers = [header for place, header in enumerate(table.headers) if place in table.numbers]
    yield f"  {' | '.join(table.headers)} (numbers: {', '.join(numbers)})"
    rows = [" | ".join(map(_cell, row)) for row in table.rows]
    shown = rows if len(rows) <= 4 * FIRST else [*rows[: 2 * FIRST], "…", *rows[-FIRST:]]
    yield from (f"  {row}" for row in shown)
    yield f"  {len(rows)} rows; note: {table.note}"


def _cell(cell: Cell) -> str:
    sort = "" if cell.sort is None else f" {{{_number(cell.sort)}}}"
    href = "" if cell.href is None else f" [{cell.href}]"
    kind = "" if cell.kind is None else f" ({cell.kind})"
    drawn = "" if cell.html is None else f" <{cell.html.count('mark')} marks>"
    return f"{cell.text}{sort}{href}{kind}{drawn}"


def _list(values: Sequence[Any]) -> str:
    told = [_number(each) for each in values]
    shown = told if len(told) <= 4 * FIRST else [*told[:FIRST], "…", *told[-FIRST:]]
    return f"{len(told)}: {', '.join(map(str, shown))}"


def _number(value: Any) -> Any:
    """Rounded: the last digits are the processor's."""
    return f"{value:.6g}" if isinstance(value, float) else value
