"""Samples as bytes, without loss and in half of their size.

Times are read off a clock that ticks: as numbers of its ticks they differ in few digits. Stored are
the smallest as it is, and of the others how much larger they are (a frame of reference; Goldstein,
Ramakrishnan and Shaft, Compressing relations and indexes, ICDE 1998), in as many bytes as the
largest difference needs. It is differences of the bit patterns of float64 that are stored, which
for positive numbers are ordered as the numbers are, less the zeros that all of them end with.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.store.damage import Damaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = struct.Struct("<BBq")
"""Bytes of a difference, and whether a divisor follows; zeros at its end; the smallest bit
pattern."""

_DIVIDED = 0x80
_WIDEST, _MOST_ZEROS = 8, 63
_COUNT = struct.Struct("<I")
"""The divisor; and where all samples are equal, how many there are."""

_GRIDS = tuple(range(30, 46))
"""A clock ticks every 2**-n s: `time.perf_counter` tells seconds as float64, and has the fewer
binary digits left behind the point the longer the machine has been up."""

MOST_CALLS = 2**32 - 1

_MOST_ALIKE = 1 << 24
"""Equal samples that take no room each; of more each takes a byte. So it is never a few bytes that
become gigabytes."""


def pack(samples: Sequence[float], calls: int = 1) -> bytes:
    """`samples`: positive, finite. `calls`: of which each is the mean: times that were read off a
    clock and then divided are stored as they were read. Raises ValueError for nothing to pack."""
    values = np.asarray(samples, dtype=np.float64)
    if values.size == 0 or not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError("samples are positive and finite, and there is one at least")
    whole = _as_read(values, calls) if 1 < calls <= MOST_CALLS else None
    divisor, stored = (1, values) if whole is None else (calls, whole)
    bits = stored.view(np.int64)
    least = int(bits.min())
    above = (bits - least).view(np.uint64)
    every = int(np.bitwise_or.reduce(above))
    zeros = (every & -every).bit_length() - 1 if every else 0
    above >>= np.uint64(zeros)
    width = max(-(-int(above.max()).bit_length() // 8), int(values.size > _MOST_ALIKE))
    digits = above.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    told = b"" if divisor == 1 else _COUNT.pack(divisor)
    header = _HEADER.pack(width | (_DIVIDED if told else 0), zeros, least) + told
    # Where all are equal no difference is stored, and how many there are must be told.
    return header + (digits.tobytes() if width else _COUNT.pack(values.size))


def unpack(packed: bytes) -> "NDArray[np.float64]":
    """What `pack` was given, bit by bit; read-only, shape (rounds,). Raises `Damaged` for what it
    did not make."""
    told = _told(packed)
    if told.width == 0:
        bits = np.full(told.size, told.least, dtype=np.int64)
    else:
        digits = np.frombuffer(packed, dtype=np.uint8, offset=told.start).reshape(-1, told.width)
        padded = np.zeros((told.size, 8), dtype=np.uint8)
        padded[:, : told.width] = digits
        above = padded.view("<u8")[:, 0].astype(np.uint64) << np.uint64(told.zeros)
        bits = above.view(np.int64) + told.least
    values = bits.view(np.float64)
    if told.divisor != 1:
        values = values / told.divisor
    values.flags.writeable = False
    return values


class _Told(NamedTuple):
    """Of packed samples: how many there are, in how many bytes each, where these begin, and what
    they stand for."""

    size: int
    width: int
    start: int
    zeros: int
    least: int
    divisor: int


def _told(packed: bytes) -> _Told:
    """Raises `Damaged`."""
    try:
        kind, zeros, least = _HEADER.unpack_from(packed)
        width, start, divisor = kind & ~_DIVIDED, _HEADER.size, 1
        if kind & _DIVIDED:
            (divisor,) = _COUNT.unpack_from(packed, start)
            start += _COUNT.size
        if width:
            size, rest = divmod(len(packed) - start, width)
        else:
            (size,) = _COUNT.unpack_from(packed, start)
            rest = len(packed) - start - _COUNT.size
    except (struct.error, TypeError) as error:
        raise Damaged(f"samples that cannot be unpacked ({error})") from error
    most = size if width else _MOST_ALIKE
    if rest or width > _WIDEST or zeros > _MOST_ZEROS or not divisor or not 1 <= size <= most:
        raise Damaged(f"samples that cannot be unpacked ({len(packed)} bytes, not as written here)")
    return _Told(size, width, start, zeros, least, divisor)


def _as_read(values: "NDArray[np.float64]", calls: int) -> "NDArray[np.float64] | None":
    """What, divided by `calls`, gives exactly these; None where no clock of `_GRIDS` explains
    them."""
    with np.errstate(over="ignore"):  # infinity is none of the values
        product = values * calls
        for grid in _GRIDS:
            read = np.ldexp(np.rint(np.ldexp(product, grid)), -grid)
            if np.array_equal(read / calls, values):
                return read
    return None
