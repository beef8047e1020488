"""Packed samples come back bit by bit, and take less room than they did."""

import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.store.damage import Damaged
from harness.store.packed import smallest
from harness.store.packing import MOST_CALLS, pack, unpack

POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
SAMPLES = st.lists(POSITIVE, min_size=1, max_size=60)
NEAR = st.lists(st.floats(0.009, 0.011), min_size=1, max_size=60)
CALLS = st.integers(1, 5000) | st.sampled_from([MOST_CALLS, MOST_CALLS + 1, 2**62])

SUBNORMAL, LARGEST = 5e-324, 1.7976931348623157e308


def bits(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def clock_readings(rounds: int, *, calls: int = 1) -> list[float]:
    """Differences of `perf_counter` as of a machine that has been up for three days, of calls of
    about 10 ms."""
    scatter = np.random.default_rng(3).uniform(0.009, 0.011, size=rounds)
    start = 3e5 + np.cumsum(scatter)
    return [float(each) / calls for each in (start + scatter * calls) - start]


@given(SAMPLES | NEAR | st.just([SUBNORMAL, LARGEST, 1.0, SUBNORMAL]), CALLS)
def test_samples_keep_every_bit(samples: list[float], calls: int) -> None:
    assert bits(unpack(pack(samples, calls)).tolist()) == bits(samples)


@given(SAMPLES | NEAR, CALLS)
def test_the_smallest_is_told_without_unpacking(samples: list[float], calls: int) -> None:
    assert bits([smallest(pack(samples, calls))]) == bits([min(samples)])


@given(NEAR, st.integers(2, 500))
def test_so_do_those_that_a_clock_told_of_several_calls(reads: list[float], calls: int) -> None:
    ticks = [round(each * 2**36) / 2**36 for each in reads]
    samples = [each / calls for each in ticks]
    assert bits(unpack(pack(samples, calls)).tolist()) == bits(samples)


@pytest.mark.parametrize("calls", [1, 37])
def test_what_a_clock_told_takes_half_the_room(calls: int) -> None:
    assert len(pack(clock_readings(30, calls=calls), calls)) <= 30 * 4 + 14


def test_equal_samples_take_no_room_each() -> None:
    assert len(pack([0.125] * 1000)) < 20
    assert unpack(pack([0.125] * 1000)).tolist() == [0.125] * 1000


def test_of_very_many_equal_samples_each_takes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("packed", "packing"):
        monkeypatch.setattr(f"harness.store.{module}.MOST_ALIKE", 4)
    for count in (4, 5):
        packed = pack([0.125] * count)
        assert unpack(packed).tolist() == [0.125] * count
        assert len(packed) == (14 if count == 4 else 15)
    with pytest.raises(Damaged):
        unpack(pack([0.125])[:-4] + struct.pack("<I", 5))


HEADER = struct.Struct("<BBq")
ONE = int(np.float64(1.0).view(np.int64))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x01",
        HEADER.pack(0, 0, ONE),  # no count
        HEADER.pack(0, 0, ONE) + struct.pack("<I", 0),
        HEADER.pack(0, 0, ONE) + struct.pack("<I", 2**32 - 1),
        HEADER.pack(0, 0, ONE) + struct.pack("<IB", 1, 0),  # something behind it
        HEADER.pack(1, 0, ONE),  # no sample
        HEADER.pack(2, 0, ONE) + b"\0" * 3,  # half a sample
        HEADER.pack(9, 0, ONE) + b"\0" * 9,  # wider than any number
        HEADER.pack(1, 64, ONE) + b"\0",
        HEADER.pack(0x81, 0, ONE) + b"\0",  # half a divisor
        HEADER.pack(0x81, 0, ONE) + b"\0\0\0\0\0",  # divided by 0
        "text",
        7,
    ],
)
def test_what_was_never_packed_is_damaged(packed: Any) -> None:
    for read in (unpack, smallest):
        with pytest.raises(Damaged, match="samples that cannot be unpacked") as refused:
            read(packed)
        assert refused.value.exit_code == 6


@given(st.binary(max_size=40))
def test_whatever_the_bytes_it_is_samples_or_damage(packed: bytes) -> None:
    with suppress(Damaged), np.errstate(all="ignore"):
        assert 1 <= len(unpack(packed)) <= 1 << 24


@pytest.mark.parametrize("samples", [[], [0.0], [1.0, -1.0], [float("nan")], [float("inf")]])
def test_what_is_no_time_is_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        pack(samples)


def test_what_is_read_cannot_be_changed_by_mistake() -> None:
    with pytest.raises(ValueError, match="read-only"):
        unpack(pack([1.0, 2.0]))[0] = 2.0


def test_what_was_written_once_is_read_for_ever() -> None:
    """A literal: databases hold it."""
    packed = bytes.fromhex("0132000000000000d03f00040201")
    assert unpack(packed).tolist() == [0.25, 0.5, 0.375, 0.3125]
    assert pack([0.25, 0.5, 0.375, 0.3125]) == packed
