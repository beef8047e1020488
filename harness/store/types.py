"""Column types: packed samples, compressed text, plain text, and UTC times."""

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Dialect, LargeBinary, String, TypeDecorator

from harness.store.damage import Damaged
from harness.store.text import storable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_BYTES = 16 << 20
"""Of a text that was compressed: no log is as long, and no few bytes become more."""


class PackedSamples(TypeDecorator[Any]):
    """Written as `packing.pack` makes them; read back as a read-only float64 array. Raises
    `Damaged` for what it did not make."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> "NDArray[np.float64] | None":
        if value is None:
            return None
        from harness.store.packing import unpack  # only those who read samples pay for NumPy

        return unpack(value)


class CompressedText(TypeDecorator[str]):
    """Text as zlib packs its UTF-8: a launch's log shrinks to a fifth. Raises `Damaged` for what is
    none."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else zlib.compress(value.encode(errors="replace"))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else decompressed(value)


def decompressed(packed: bytes) -> str:
    """What `CompressedText` was given. Raises `Damaged`."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, _MOST_BYTES).decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise Damaged(f"text that cannot be unpacked ({error})") from error
    if not unpacking.eof:
        raise Damaged("text that cannot be unpacked (it is cut off, or without end)")
    return text


class PlainText(TypeDecorator[str]):
    """Text that both databases can hold, whatever a container or a command line brought."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. Naive times are refused: nobody can know what they meant."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)
