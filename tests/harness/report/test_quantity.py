"""Base units as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from harness.report import quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 ns"),
        (3.2e-10, "0.32 ns"),
        (1.5e-9, "1.50 ns"),
        (6.154e-4, "615 µs"),
        (3.061e-3, "3.06 ms"),
        (0.0456, "45.6 ms"),
        (1.0, "1.00 s"),
        (123.4, "123 s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert quantity.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.50 B/s"),
        (9.999, "10.0 B/s"),
        (99.96, "100 B/s"),
        (999.0, "999 B/s"),
        (1.49e11, "149 GB/s"),
        (2.5e15, "2.50 PB/s"),
    ],
)
def test_rate(value: float, text: str) -> None:
    assert quantity.rate(value, "B/s") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00 B"), (1023, "1023 B"), (67108864, "64.0 MiB"), (3 << 39, "1.50 TiB")],
)
def test_size(value: float, text: str) -> None:
    assert quantity.size(value) == text


def test_percent() -> None:
    assert quantity.percent(0.034) == "3.4 %"


@pytest.mark.parametrize(
    ("value", "text"), [(0.2, "0:00"), (59.6, "1:00"), (95.0, "1:35"), (3723.0, "62:03")]
)
def test_duration(value: float, text: str) -> None:
    assert quantity.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-3.0, "0 s"), (0.4, "0 s"), (59.9, "59 s"), (61.0, "1 min"), (7199.0, "1 h"), (5e6, "57 d")],
)
def test_age(value: float, text: str) -> None:
    assert quantity.age(value) == text


def test_a_moment_is_shown_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))
    assert quantity.moment(moment) == "2026-02-28 23:30:15"
    assert quantity.moment(moment.astimezone(UTC)) == "2026-02-28 23:30:15"
