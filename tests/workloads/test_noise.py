import mmap
from pathlib import Path

import pytest

from workloads import noise
from workloads.noise import Reading

MIB = 2**20


def test_a_page_touched_is_a_fault_counted() -> None:
    before = noise.read()
    with mmap.mmap(-1, 8 * MIB) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(0, len(memory), mmap.PAGESIZE):
            memory[page] = 1
    assert noise.read().since(before).minor_faults >= 8 * MIB // mmap.PAGESIZE


def test_peak_rss_starts_again_from_a_reset() -> None:
    with mmap.mmap(-1, 64 * MIB) as memory:
        memory.write(b"x" * len(memory))
    grown = noise.peak_rss_bytes()
    assert noise.reset_peak_rss()
    reset = noise.peak_rss_bytes()
    assert grown is not None
    assert reset is not None
    assert grown - reset > 32 * MIB


def test_steal_is_in_seconds(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  1 2 3 4 5 6 7 250 9 10\ncpu0 1 2 3 4 5 6 7 250 9 10\n")
    assert noise.steal_s(stat) == 2.5  # at 100 ticks a second, as on every Linux of today


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "cpu a b c d e f g h\n"])
def test_steal_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    stat = tmp_path / "stat"
    stat.write_text(text)
    assert noise.steal_s(stat) is None
    assert noise.steal_s(tmp_path / "absent") is None


def test_a_peak_that_cannot_be_read_or_reset_is_none(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name: python\nVmRSS: 12 kB\n")
    assert noise.peak_rss_bytes(status) is None
    assert noise.peak_rss_bytes(tmp_path / "absent") is None
    assert not noise.reset_peak_rss(tmp_path / "absent" / "clear_refs")


def test_a_difference_that_makes_no_sense_is_unknown() -> None:
    def reading(steal_s: float | None) -> Reading:
        return Reading(
            minor_faults=5,
            major_faults=0,
            voluntary_switches=2,
            involuntary_switches=1,
            steal_s=steal_s,
        )

    assert reading(3.0).since(reading(1.0)).steal_s == 2.0
    assert reading(3.0).since(reading(None)).steal_s is None
    assert reading(0.0).since(reading(1.0)).steal_s is None
    assert reading(None).since(reading(1.0)).steal_s is None


@pytest.mark.parametrize(
    ("peak", "steal", "words"),
    [
        (1, 0.0, []),
        (None, 0.0, ["peak RSS unknown"]),
        (0, None, ["steal time unknown"]),
    ],
)
def test_what_could_not_be_read_is_said(
    peak: int | None, steal: float | None, words: list[str]
) -> None:
    found = noise.unread(peak, steal)
    assert [each.partition(":")[0] for each in found] == words
