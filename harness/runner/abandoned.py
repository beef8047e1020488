"""Runs that ended without a word: kill -9, a power cut."""

from datetime import UTC, datetime

from containers import owner


def is_abandoned(owned_by: str, deadline_at: datetime) -> bool:
    """Of a run that is marked as running: whether its process is gone, or no launch of it can still
    be running (another machine's)."""
    return owner.is_gone(owned_by) or datetime.now(UTC) > deadline_at
