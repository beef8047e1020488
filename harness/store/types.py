"""Column types: packed samples and UTC times."""

import sys
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Dialect, LargeBinary, TypeDecorator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PackedFloats(TypeDecorator[Any]):
    """Numbers as little-endian float64, 8 bytes each; read back as a read-only NumPy array."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sequence[float] | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        packed = array("d", value)
        if sys.byteorder == "big":
            packed.byteswap()
        return packed.tobytes()

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> "NDArray[np.float64] | None":
        if value is None:
            return None
        import numpy as np  # only those who read samples pay for it

        return np.frombuffer(value, dtype="<f8")


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
