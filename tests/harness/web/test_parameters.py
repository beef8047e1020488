"""What can be asked for, and how it is read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.web.parameters import (
    LONGEST,
    MOST_REPEATED,
    Asked,
    Parameter,
    began,
    one_of,
    read_asked,
    switch,
    tag,
    text,
    whole,
)
from harness.web.refused import Refused

NAME = text("name", "a name")
NAMES = text("names", "names", repeats=True)
COUNT = whole("count", "how many", default=3, least=1, most=20)


def value(parameter: Parameter, *written: str) -> Any:
    given = [(parameter.name, each) for each in written]
    return read_asked([parameter], "path", given)[parameter.name]


@pytest.mark.parametrize(
    ("parameter", "written", "found"),
    [
        (NAME, (), None),
        (NAME, ("a b",), "a b"),
        (NAMES, (), ()),
        (NAMES, ("a", "b"), ("a", "b")),
        (COUNT, (), 3),
        (COUNT, ("20",), 20),
        (COUNT, ("07",), 7),
        (one_of("x", "", ("a", "b")), ("b",), "b"),
        (switch("x", ""), (), False),
        (switch("x", ""), ("true",), True),
        (tag("x", ""), ("a=b=c", "d="), (("a", "b=c"), ("d", ""))),
        (began("x", ""), ("2026-01-31",), datetime(2026, 1, 31, tzinfo=UTC)),
        (began("x", ""), ("2026-01-31T10:00+02:00",), datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_what_is_written_is_read(
    parameter: Parameter, written: tuple[str, ...], found: Any
) -> None:
    assert value(parameter, *written) == found


@pytest.mark.parametrize(
    ("parameter", "written"),
    [
        (NAME, ("",)),
        (NAME, ("a", "b")),
        (NAME, ("x" * (LONGEST + 1),)),
        (NAMES, ("x",) * (MOST_REPEATED + 1)),
        (COUNT, ("0",)),
        (COUNT, ("21",)),
        (COUNT, ("-1",)),
        (COUNT, ("1.0",)),
        (COUNT, ("²",)),
        (COUNT, ("9" * 200,)),
        (one_of("x", "", ("a", "b")), ("c",)),
        (switch("x", ""), ("yes",)),
        (tag("x", ""), ("a",)),
        (tag("x", ""), ("=a",)),
        (began("x", ""), ("yesterday",)),
        (began("x", ""), ("9999-12-31T23:59-23:59",)),
        (began("x", ""), ("0001-01-01T00:00+23:59",)),
        (began("x", ""), ("999999w",)),
        (text("x", "", required=True), ()),
    ],
)
def test_what_cannot_be_meant_is_refused(parameter: Parameter, written: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=parameter.name):
        value(parameter, *written)


def test_what_nobody_declared_is_refused_and_what_is_known_is_told() -> None:
    with pytest.raises(Refused, match="unknown parameter 'nmae'; known are: name, count"):
        read_asked([NAME, COUNT], "path", [("nmae", "x")])


def test_so_long_ago_is_the_same_within_a_minute() -> None:
    found = value(began("x", ""), "30d")
    assert (found.second, found.microsecond) == (0, 0)
    ago = datetime.now(UTC) - found
    assert timedelta(days=30) <= ago < timedelta(days=30, minutes=2)


def test_what_else_was_asked_for_stays() -> None:
    asked = Asked(path="p", given=[("case", "a"), ("case", "b"), ("page", "2")])
    assert asked.others(page=3) == [("case", "a"), ("case", "b"), ("page", "3")]


def test_what_a_form_left_empty_was_not_asked() -> None:
    asked = read_asked([NAME, COUNT], "path", [("name", ""), ("count", "")], forms=True)
    assert (asked["name"], asked["count"], list(asked.given)) == (None, 3, [])
