"""Keys begin with their time, and the rest is chance, or told."""

from datetime import UTC, datetime, timedelta

from harness.store.identity import new_uuid, uuid7_of

MOMENT = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_it_is_that_of_the_standard_s_example() -> None:
    """RFC 9562, appendix A.6: rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F."""
    rest = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert str(uuid7_of(MOMENT, rest)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_later_ones_sort_after_earlier_ones() -> None:
    moments = [MOMENT + timedelta(milliseconds=each) for each in range(100)]
    keys = [new_uuid(each) for each in moments]
    assert keys == sorted(keys)


def test_those_of_one_moment_differ() -> None:
    assert len({new_uuid(MOMENT) for _ in range(1000)}) == 1000


def test_a_moment_before_the_epoch_counts_as_the_epoch() -> None:
    early = uuid7_of(datetime(1969, 1, 1, tzinfo=UTC), bytes(10))
    assert early.int >> 80 == 0
