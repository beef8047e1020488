"""Moments and ages as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from harness.moments import age, moment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30d", datetime(2026, 1, 30, 12, 0, tzinfo=UTC)),
        ("2h", datetime(2026, 3, 1, 10, 0, tzinfo=UTC)),
        ("1w", datetime(2026, 2, 22, 12, 0, tzinfo=UTC)),
        ("0d", NOW),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00Z", datetime(2026, 1, 31, 10, 0, tzinfo=UTC)),
        (
            "2026-01-31 10:00+05:30",
            datetime(2026, 1, 31, 10, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
    ],
)
def test_moments_are_understood(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "30", "d", "-3d", "3y", "²d", "999999w", "31.1."]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment, as 30d"):
        moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "began"),
    [
        ("12h", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("30d", datetime(2026, 1, 30, 12, 0, tzinfo=UTC)),
        ("26w", datetime(2025, 8, 31, 12, 0, tzinfo=UTC)),
        ("0h", NOW),
    ],
)
def test_ages_are_understood(text: str, began: datetime) -> None:
    assert age(text, NOW) == began


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "3y", "6m", "5s", "999999d", "2026-01-31"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no age, as 180d"):
        age(text, NOW)
