"""What runs are known by: UUIDs of version 7 (RFC 9562), which no two databases give twice, and
public names. Both begin with a time."""

import secrets
from datetime import datetime
from uuid import UUID


def new_name(moment: datetime) -> str:
    """A run's public name: its start in UTC and enough chance to tell runs of one second apart."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def new_uuid(moment: datetime) -> UUID:
    """Of something that began then; the rest is chance."""
    return uuid7_of(moment, secrets.token_bytes(10))


def uuid7_of(moment: datetime, rest: bytes) -> UUID:
    """Of a moment and ten bytes: the same of the same. A moment before 1970 counts as 1970."""
    milliseconds = max(0, int(moment.timestamp() * 1000)) & ((1 << 48) - 1)
    tail = int.from_bytes(rest[:10], "big")
    high, low = tail >> 64 & 0xFFF, tail & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
