"""Moments and ages as people write them: `30d` (so long ago), `2026-01-31`, `2026-01-31T10:00Z`."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_AGE = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> datetime:
    """With a zone: UTC, where none is written. Raises ValueError."""
    try:
        if ago := _AGO.fullmatch(text):
            return _before(now, ago)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no moment, as 30d (ago), 2026-01-31 and 2026-01-31T10:00Z are"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def age(text: str, now: datetime | None = None) -> datetime:
    """When something of this age began. In hours, days or weeks: whoever writes 6m may mean months,
    and what is older than an age goes for good. Raises ValueError."""
    with suppress(OverflowError):  # before the first year
        if found := _AGE.fullmatch(text):
            return _before(now, found)
    raise ValueError(f"{text!r} is no age, as 180d, 26w and 12h are")


def _before(now: datetime | None, long: re.Match[str]) -> datetime:
    """Raises OverflowError."""
    return (now or datetime.now(UTC)) - timedelta(**{_UNITS[long[2]]: int(long[1])})
