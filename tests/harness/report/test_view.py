"""One result in four formats; none of them lets a container reach somebody's terminal."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from harness.report.view import FORMATS, Format, View, printable, render

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def view(document: Any = None, records: list[dict[str, Any]] | None = None) -> View:
    return View(
        document=document,
        records=records or [],
        headers=("case", "median"),
        rows=[("matmul/256/f32", "1.50 ms"), ("a", "007")],
        notes=("run x: done", "two\nlines"),
    )


def test_a_table_is_for_people() -> None:
    assert render(view(), "table") == (
        "case            median\n"
        "--------------  --------\n"
        "matmul/256/f32  1.50 ms\n"
        "a               007\n"
        "\n"
        "run x: done\n"
        "two\n"
        "lines\n"
    )


def test_markdown_is_a_table_too() -> None:
    assert render(view(), "md") == (
        "| case           | median   |\n"
        "|----------------|----------|\n"
        "| matmul/256/f32 | 1.50 ms  |\n"
        "| a              | 007      |\n"
        "\n"
        "run x: done\n"
        "two\n"
        "lines\n"
    )


def test_json_knows_times_and_numpy() -> None:
    document = {"at": WHEN, "samples_s": np.array([0.1, 5e-324]), "n": np.int64(3), "x": None}
    assert json.loads(render(view(document), "json")) == {
        "at": "2026-03-01T12:00:00+00:00",
        "samples_s": [0.1, 5e-324],
        "n": 3,
        "x": None,
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.array([np.nan])])
def test_json_never_holds_what_is_no_json(value: Any) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        render(view([value]), "json")


def test_csv_has_a_column_for_every_key_of_every_record() -> None:
    records = [{"case": "a", "median_s": 5e-324}, {"case": 'b,"c"', "at": WHEN, "list": [1, 2]}]
    text = render(view(records=records), "csv")
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"case": "a", "median_s": "5e-324", "at": "", "list": ""},
        {"case": 'b,"c"', "median_s": "", "at": "2026-03-01T12:00:00+00:00", "list": "[1, 2]"},
    ]


def test_csv_of_no_records_has_the_columns_that_are_known() -> None:
    nothing = replace(view(), columns=("case", "median_s"))
    assert render(nothing, "csv") == "case,median_s\n"
    some = replace(nothing, records=[{"median_s": 1.0, "more": 2}])
    assert render(some, "csv") == "case,median_s,more\n,1.0,2\n"


def test_a_cell_of_markdown_is_one_cell() -> None:
    piped = View(document=None, records=(), headers=("a|b",), rows=[("x|y",), ("\\|",)])
    header, _, *rows = render(piped, "md").splitlines()
    assert [line.strip("| ") for line in (header, *rows)] == [r"a\|b", r"x\|y", "\\\\\\"]
    assert [line.replace(r"\\", "").replace(r"\|", "").count("|") for line in (header, *rows)] == (
        [2] * 3
    )
    assert "x|y" in render(piped, "table")


HOSTILE = "\x1b[2J\x07\x9b31m\u202eevil\x00"


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_passes_control_characters_on(form: Format) -> None:
    hostile = View(
        document=[HOSTILE],
        records=[{"text": HOSTILE, "list": [HOSTILE]}],
        headers=(f"text {HOSTILE}",),
        rows=[(HOSTILE,)],
        notes=(HOSTILE,),
    )
    text = render(hostile, form)
    assert "evil" in text
    assert [each for each in text if not each.isprintable() and each != "\n"] == []


def test_json_keeps_what_it_cannot_show() -> None:
    assert json.loads(render(view([HOSTILE]), "json")) == [HOSTILE]


def test_printable_keeps_what_it_is_told_to() -> None:
    assert printable("µs 1 … 2 × é\n\t") == "µs 1 … 2 × é\N{REPLACEMENT CHARACTER}" * 1 + (
        "\N{REPLACEMENT CHARACTER}"
    )
    assert printable("a\nb\tc", keep="\n") == "a\nb\N{REPLACEMENT CHARACTER}c"
