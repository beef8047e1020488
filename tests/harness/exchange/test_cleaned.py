"""What strangers wrote fits the database afterwards, and a warning says what was changed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.exchange.cleaned import (
    architecture_in,
    case_name,
    count,
    facts,
    gibibytes,
    hardware,
    moment,
    moment_of_ms,
    once,
    printable,
)
from harness.fields import CaseId

_CASE: TypeAdapter[str] = TypeAdapter(CaseId)


@given(st.text(min_size=1, max_size=600))
def test_every_name_becomes_a_case_id(text: str) -> None:
    warnings: list[str] = []
    name = case_name(text, warnings)
    _CASE.validate_python(name)
    assert bool(warnings) == (name != text)


@pytest.mark.parametrize("name", ["test_a.py::test_b[two words-é]", "a\u00a0b", "模型"])
def test_a_name_that_can_be_printed_stays(name: str) -> None:
    assert printable(name) == name


def test_names_that_differ_at_their_end_stay_different() -> None:
    assert printable("a" * 600 + "b", 512) != printable("a" * 600 + "c", 512)
    assert len(printable("a" * 600, 512)) == 512


def test_control_characters_are_escaped() -> None:
    assert printable("a\nb\x00") == "a\\nb\\x00"


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="empty name"):
        case_name("", [])


def test_a_case_comes_once() -> None:
    once(["a", "b"])
    with pytest.raises(ValueError, match="b is in it twice"):
        once(["a", "b", "b"])


def test_what_json_does_not_have_becomes_text_however_deep() -> None:
    warnings: list[str] = []
    cleaned = facts({"a": [{"b": float("inf")}], "c": 1.5, "d": None}, "extra_info", warnings)
    assert cleaned == {"a": [{"b": "inf"}], "c": 1.5, "d": None}
    assert warnings == ["extra_info: JSON has no NaN or infinity; stored as text"]
    json.dumps(cleaned, allow_nan=False)


def test_an_endless_text_is_cut_with_a_warning() -> None:
    warnings: list[str] = []
    cleaned = facts({"a": "x" * 100_000}, "params", warnings)
    assert len(cleaned["a"]) == 65537
    assert warnings == ["params: a text was cut at 65536 characters"]


def test_hardware_that_is_not_told_is_none() -> None:
    assert set(hardware().values()) == {None}
    assert hardware(cpu_model=" A ", threads=[2], architecture="")["cpu_model"] == "A"
    assert hardware(threads=True)["threads"] is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [("8", 8), (8, 8), ("eight", None), (-1, None), (0, None), (True, None), (10**12, None)],
)
def test_counts(told: Any, expected: int | None) -> None:
    assert count(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("8589934592", 8),
        (17179869184, 16),
        ("16GB", 16),
        ("8.2 GiB", 8),
        ("512M", None),
        ("16434728", None),
        ("", None),
        (None, None),
        ("9" * 400 + "GB", None),
    ],
)
def test_memory(told: Any, expected: int | None) -> None:
    assert gibibytes(told) == expected


def test_an_architecture_is_found_in_a_platform() -> None:
    assert architecture_in("Linux-6.1-x86_64-with-glibc2.36") == "x86_64"
    assert architecture_in("macOS-14.1-arm64-arm-64bit") == "arm64"
    assert architecture_in("Linux") is None
    assert architecture_in(3) is None


def test_times_are_in_utc() -> None:
    assert moment("2026-01-01T02:00:00+02:00", "x") == (datetime(2026, 1, 1, tzinfo=UTC), True)
    assert moment("2026-01-01", "x") == (datetime(2026, 1, 1, tzinfo=UTC), False)
    assert moment_of_ms(1000, "x") == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert moment_of_ms(None, "x") is None


@pytest.mark.parametrize("text", ["", "yesterday", "9999-12-31T23:59:59-23:59", "2026-13-01"])
def test_what_is_no_time_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"datetime: no ISO date"):
        moment(text, "datetime")


@pytest.mark.parametrize("milliseconds", [1e30, float("nan"), float("inf"), -1e18])
def test_what_is_no_count_of_milliseconds_is_refused(milliseconds: float) -> None:
    with pytest.raises(ValueError, match=r"started_at: no time in milliseconds"):
        moment_of_ms(milliseconds, "started_at")
