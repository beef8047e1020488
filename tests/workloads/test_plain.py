"""Values of any kind become JSON, and what had to be made text is said."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from workloads.plain import DEPTH, TEXT_CHARACTERS, plain, plain_mapping, text_of


class Odd:
    """Shows itself with an address, as objects do."""


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("words", "words"),
        (2**62, 2**62),
        (0.5, 0.5),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        ((1, [2, {"a": 3}]), [1, [2, {"a": 3}]]),
    ],
)
def test_what_json_has_stays_and_nothing_is_said(value: Any, expected: Any) -> None:
    said: list[str] = []
    found = plain(value, said.append, "x")
    assert (found, type(found), said) == (expected, type(expected), [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (10**30, "1" + "0" * 30),
        (b"ab", "b'ab'"),
        (Decimal("sNaN"), "sNaN"),
        (np.dtype("float32"), "float32"),
        (np.float32, "numpy.float32"),
        (math.sqrt, "math.sqrt"),
        (Odd(), f"{__name__}.Odd"),
        (Broken(), "cannot be shown: RuntimeError"),
    ],
)
def test_what_json_lacks_is_text_without_addresses_and_said(value: Any, expected: str) -> None:
    said: list[str] = []
    assert plain(value, said.append, "x") == expected
    assert said == [f"x is no JSON ({type(value).__qualname__}); stored as text"]


def test_the_place_of_what_was_made_text_is_named() -> None:
    said: list[str] = []
    found = plain_mapping({"a": [1, {"b": {1j}}], 2: "two"}, said.append, "extra_info")
    assert found == {"a": [1, {"b": "{1j}"}], "2": "two"}
    assert said == [
        "extra_info.a[1].b is no JSON (set); stored as text",
        "extra_info: the key '2' stands for one that is no short text",
    ]


def test_what_has_no_end_or_is_too_long_is_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    said: list[str] = []
    depth = json.dumps(plain(endless, said.append, "x")).count("[")
    assert depth <= 2 * DEPTH + 10
    assert len(said) == 1
    assert len(plain("x" * 10**6, said.append, "x")) == TEXT_CHARACTERS


def test_lone_surrogates_are_escaped() -> None:
    assert text_of("a\ud800") == "a\\ud800"
    assert plain("a\ud800", print, "x") == "a\\ud800"
