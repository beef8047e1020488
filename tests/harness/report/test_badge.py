"""A badge is read by eye, by ear and by machines, and needs nothing but itself."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from harness.report.badge import NAME, NONE, SOME, badge
from harness.states import State
from tests.harness.parsed import parsed
from tests.harness.store.test_ledger import a_regression

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*states: State) -> Any:
    found = [a_regression(number, state=state) for number, state in enumerate(states)]
    return parsed(badge(found))


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), "0 regressions open"),
        (("fixed", "ignored", "withdrawn"), "0 regressions open"),
        (("detected", "fixed"), "1 regression open"),
        (("detected", "acknowledged"), "2 regressions open"),
    ],
)
def test_it_says_how_many_are_open(states: Sequence[State], said: str) -> None:
    picture = drawn(*states)
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == picture.findtext(f"{SVG}title") == f"jaxrig: {said}"
    assert [each.text for each in picture.iter(f"{SVG}text")] == ["jaxrig", said]


def test_it_needs_nothing_from_elsewhere() -> None:
    text = badge([a_regression()])
    assert re.findall(r"\w+://[^\"<]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|<script|<style|@import", text)


def test_what_is_written_fits() -> None:
    picture = drawn("detected")
    rectangles, texts = (list(picture.iter(f"{SVG}{tag}")) for tag in ("rect", "text"))
    assert sum(int(each.get("width")) for each in rectangles) == int(picture.get("width"))
    for rectangle, text in zip(rectangles, texts, strict=True):
        left, width = int(rectangle.get("x")), int(rectangle.get("width"))
        begins = int(text.get("x"))
        assert left < begins < begins + int(text.get("textLength")) < left + width


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", [NAME, NONE, SOME])
def test_white_on_it_can_be_read(colour: str) -> None:
    """https://www.w3.org/TR/WCAG21/#contrast-minimum"""
    assert (luminance("#ffffff") + 0.05) / (luminance(colour) + 0.05) >= 4.5
