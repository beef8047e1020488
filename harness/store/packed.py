"""What packed samples tell without being unpacked, and without NumPy: how they are laid out.

A header, a divisor where there is one, and then the samples' differences to the smallest, each in
as many bytes as the largest needs; where all are equal there are none, but their number.
"""

import struct
from typing import NamedTuple

from harness.store.damage import Damaged

HEADER = struct.Struct("<BBq")
"""Bytes of a difference, and whether a divisor follows; zeros at its end; the smallest bit
pattern."""

DIVIDED = 0x80
COUNT = struct.Struct("<I")
"""The divisor; and where all samples are equal, how many there are."""

MOST_ALIKE = 1 << 24
"""Equal samples that take no room each; of more each takes a byte. So it is never a few bytes that
become gigabytes."""

_WIDEST, _MOST_ZEROS = 8, 63
_BITS, _FLOAT = struct.Struct("<q"), struct.Struct("<d")


class Layout(NamedTuple):
    """Of packed samples: how many there are, in how many bytes each, where these begin, and what
    they stand for."""

    size: int
    width: int
    start: int
    zeros: int
    least: int
    divisor: int


def layout(packed: bytes) -> Layout:
    """Raises `Damaged` for what `pack` did not make."""
    try:
        kind, zeros, least = HEADER.unpack_from(packed)
        width, start, divisor = kind & ~DIVIDED, HEADER.size, 1
        if kind & DIVIDED:
            (divisor,) = COUNT.unpack_from(packed, start)
            start += COUNT.size
        if width:
            size, rest = divmod(len(packed) - start, width)
        else:
            (size,) = COUNT.unpack_from(packed, start)
            rest = len(packed) - start - COUNT.size
    except (struct.error, TypeError) as error:
        raise Damaged(f"samples that cannot be unpacked ({error})") from error
    most = size if width else MOST_ALIKE
    if rest or width > _WIDEST or zeros > _MOST_ZEROS or not divisor or not 1 <= size <= most:
        raise Damaged(f"samples that cannot be unpacked ({len(packed)} bytes, not as written here)")
    return Layout(size, width, start, zeros, least, divisor)


def smallest(packed: bytes) -> float:
    """The least of the samples. Raises `Damaged`."""
    told = layout(packed)
    (value,) = _FLOAT.unpack(_BITS.pack(told.least))
    return float(value) / told.divisor
