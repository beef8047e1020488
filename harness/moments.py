"""Moments as people write them: `30d` (so long ago), `2026-01-31`, `2026-01-31T10:00Z`."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> datetime:
    """With a zone: UTC, where none is written. Raises ValueError."""
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no moment, as 30d (ago), 2026-01-31 and 2026-01-31T10:00Z are"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
