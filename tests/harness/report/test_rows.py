"""Rows of any values in every format."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from harness.report.rows import as_json, by_column, rows_text

UUID7 = UUID("019aba7d-cd40-7234-ad23-456789abcdef")
VALUES = {
    "none": None,
    "true": True,
    "number": 1e-9,
    "inf": float("inf"),
    "decimal": Decimal("1.5"),
    "text": "a\x1bb",
    "bytes": b"\x00\xff",
    "view": memoryview(b"\x00"),
    "samples": np.array([1.0, 2.0]),
    "document": {"a": [1, {"b": None}]},
    "list": [Decimal("0.5")],
    "moment": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "date": date(2026, 1, 2),
    "uuid": UUID7,
}


def test_json_is_an_object_a_line() -> None:
    text = "".join(rows_text(list(VALUES), [tuple(VALUES.values())] * 2, "json"))
    assert text.count("\n") == 4
    first, second = json.loads(text)
    assert first == second
    assert first == {
        "none": None,
        "true": True,
        "number": 1e-9,
        "inf": "inf",
        "decimal": 1.5,
        "text": "a\x1bb",
        "bytes": "<2 bytes>",
        "view": "<1 bytes>",
        "samples": [1.0, 2.0],
        "document": {"a": [1, {"b": None}]},
        "list": [0.5],
        "moment": "2026-01-02T03:04:05+00:00",
        "date": "2026-01-02",
        "uuid": str(UUID7),
    }
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, None, True],
        [1, 2, -3],
        [True, False],
        [0.1, 1e-9, 5e-324, -0.0],
        [0.1, float("nan"), float("inf")],
        [0.1, None],
        ["a", None, "ä b", 'q"\x1b\n', "a"],
        [1, "1", [1], {"%s": "%"}],
        [None, None],
    ],
)
def test_whatever_a_json_column_mixes(values: list[Any]) -> None:
    names = ["beside", '100 % "of" it']
    text = "".join(rows_text(names, [(0, value) for value in values], "json"))
    lines = (as_json(dict(zip(names, (0, value), strict=True))) for value in values)
    assert text == "[\n" + ",\n".join(lines) + "\n]\n"


def test_of_columns_of_one_name_json_has_the_last() -> None:
    text = "".join(rows_text(["a", "b", "a"], [(1, 2, 3)], "json"))
    assert text == '[\n{"a": 3, "b": 2}\n]\n'


def test_csv_has_a_cell_for_each() -> None:
    text = "".join(rows_text(list(VALUES), [tuple(VALUES.values())], "csv"))
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["none"] == ""
    assert (row["number"], row["decimal"], row["inf"]) == ("1e-09", "1.5", "inf")
    assert json.loads(row["document"]) == VALUES["document"]
    assert (row["samples"], row["list"]) == ("[1.0, 2.0]", "[0.5]")
    assert (row["bytes"], row["text"]) == ("<2 bytes>", "a\N{REPLACEMENT CHARACTER}b")


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, 2.5, None, True], ["1", "2.5", "", "True"]),
        (["a", None, "ä b"], ["a", "", "ä b"]),
        (["a", "b\x1b", "c\td"], ["a", "b\N{REPLACEMENT CHARACTER}", "c\td"]),
        ([1, "x\x07", None], ["1", "x\N{REPLACEMENT CHARACTER}", ""]),
        ([None, None], ["", ""]),
        ([date(2026, 1, 2), [1]], ["2026-01-02", "[1]"]),
    ],
)
def test_whatever_a_csv_column_mixes(values: list[Any], cells: list[str]) -> None:
    text = "".join(rows_text(["beside", "it"], [(0, value) for value in values], "csv"))
    assert [row["it"] for row in csv.DictReader(io.StringIO(text))] == cells


NOT_FINITE = {
    "array": [1.0, float("nan"), [float("-inf")]],
    "document": {"a": {"b": float("inf")}},
    "numeric": Decimal("NaN"),
    "numerics": [Decimal("Infinity"), Decimal("0.5")],
    "samples": np.array([float("nan"), 1.0]),
    "large": Decimal("1E+400"),
    "text": "NaN",
    "date": date(2026, 1, 2),
}


def test_json_has_neither_nan_nor_infinity_at_any_depth() -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    names, values = list(NOT_FINITE), tuple(NOT_FINITE.values())
    (told,) = json.loads("".join(rows_text(names, [values], "json")), parse_constant=refuse)
    assert told == {
        "array": [1.0, "nan", ["-inf"]],
        "document": {"a": {"b": "inf"}},
        "numeric": "NaN",
        "numerics": ["Infinity", 0.5],
        "samples": ["nan", 1.0],
        "large": "1E+400",
        "text": "NaN",
        "date": "2026-01-02",
    }
    (row,) = csv.DictReader(io.StringIO("".join(rows_text(names, [values], "csv"))))
    for name in ("array", "document", "numerics", "samples"):
        assert json.loads(row[name], parse_constant=refuse) == told[name]
    assert (row["numeric"], row["large"]) == ("NaN", "1E+400")
    assert as_json({"b": float("nan"), "a": 1}, sort_keys=True) == '{"a": 1, "b": "nan"}'


def test_columns_are_the_rows_transposed() -> None:
    rows = ((number, str(number)) for number in range(2500))
    columns = by_column(["n", "s"], rows)
    assert list(columns) == ["n", "s"]
    assert (columns["n"], columns["s"][-1]) == (list(range(2500)), "2499")
    assert by_column(["n", "s"], []) == {"n": [], "s": []}


@pytest.mark.parametrize("form", ["table", "md"])
def test_tables_are_for_people(form: str) -> None:
    text = "".join(rows_text(list(VALUES), [tuple(VALUES.values())], form))
    for told in ("<2 samples>", "<2 bytes>", '{"a": [1, {"b": null}]}', "2026-01-02", str(UUID7)):
        assert told in text
    assert "\x1b" not in text


TEXTS = ["", None, 'a "b"', "a,b", "two\nlines", " ", "-", "ä"]
NUMBERS = [0.1, 1e300, None, -0.0, float("inf"), 3]


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("cells", [TEXTS, NUMBERS, [None], [*TEXTS, *NUMBERS, True]])
def test_csv_is_what_the_standard_library_writes(cells: list[Any], columns: int) -> None:
    rows = [(cell,) * columns for cell in cells]
    expected = io.StringIO()
    csv.writer(expected, lineterminator="\n").writerows([["n"] * columns, *rows])
    assert "".join(rows_text(["n"] * columns, rows, "csv")) == expected.getvalue()


@pytest.mark.parametrize(("form", "text"), [("json", "[]\n"), ("csv", "a,b\n")])
def test_no_rows_are_an_empty_answer(form: str, text: str) -> None:
    assert "".join(rows_text(["a", "b"], [], form)) == text


@pytest.mark.parametrize("form", ["json", "csv"])
def test_text_comes_before_the_last_row(form: str) -> None:
    def endless() -> Iterator[tuple[int]]:
        number = 0
        while True:
            yield (number,)
            number += 1

    assert "0" in next(rows_text(["n"], endless(), form))
