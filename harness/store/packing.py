"""Samples as bytes, without loss and in half of their size.

Times are read off a clock that ticks: as numbers of its ticks they differ in few digits. Stored are
the smallest as it is, and of the others how much larger they are (a frame of reference; Goldstein,
Ramakrishnan and Shaft, Compressing relations and indexes, ICDE 1998), in as many bytes as the
largest difference needs. It is differences of the bit patterns of float64 that are stored, which
for positive numbers are ordered as the numbers are, less the zeros that all of them end with.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.store.packed import COUNT, DIVIDED, HEADER, MOST_ALIKE, layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TICKS_A_SECOND = np.float64(2) ** np.arange(30, 46)
"""Of the clocks that there are: `time.perf_counter` tells seconds as float64, and has the fewer
binary digits left behind the point the longer the machine has been up."""

MOST_CALLS = 2**32 - 1

_TRIED = 32
"""Samples that each of `_TICKS_A_SECOND` is tried on; those that explain them, on all."""


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
    width = max(-(-int(above.max()).bit_length() // 8), int(values.size > MOST_ALIKE))
    digits = above.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    told = b"" if divisor == 1 else COUNT.pack(divisor)
    header = HEADER.pack(width | (DIVIDED if told else 0), zeros, least) + told
    # Where all are equal no difference is stored, and how many there are must be told.
    return header + (digits.tobytes() if width else COUNT.pack(values.size))


def unpack(packed: bytes) -> "NDArray[np.float64]":
    """What `pack` was given, bit by bit; read-only, shape (rounds,). Raises `Damaged` for what it
    did not make."""
    told = layout(packed)
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


def _as_read(values: "NDArray[np.float64]", calls: int) -> "NDArray[np.float64] | None":
    """What, divided by `calls`, gives exactly these; None where no clock of `_TICKS_A_SECOND`
    explains them."""
    with np.errstate(over="ignore"):  # infinity is none of the values
        product = values * calls
        tried = _read(product[:_TRIED], _TICKS_A_SECOND[:, np.newaxis]) / calls == values[:_TRIED]
        for ticks_a_second in _TICKS_A_SECOND[tried.all(axis=1)]:
            read = _read(product, ticks_a_second)
            if np.array_equal(read / calls, values):
                return read
    return None


def _read(
    times_s: "NDArray[np.float64]", ticks_a_second: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """The times, each at the nearest tick."""
    return np.rint(times_s * ticks_a_second) / ticks_a_second
