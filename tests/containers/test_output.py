"""Two streams for one reader, bounded on both sides; and lines cut out of chunks."""

import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.errors import EngineUnavailable
from containers.output import Lines, Output


def test_stdout_comes_in_order_and_then_ends_for_good() -> None:
    output = Output()
    output.feed(b"one", None)
    output.feed(b"two", b"a log")
    output.close()
    assert [output.read(0), output.read(0), output.read(0), output.read(0)] == [
        b"one",
        b"two",
        b"",
        b"",
    ]
    assert output.log() == "a log"


def test_silence_is_told_from_the_end() -> None:
    output = Output()
    before = time.monotonic()
    assert output.read(0.05) is None
    assert time.monotonic() - before >= 0.05
    assert output.read(-1.0) is None


def test_an_engine_that_was_lost_is_no_end() -> None:
    output = Output()
    output.feed(b"one", None)
    output.close(ConnectionResetError("reset by peer"))
    assert output.read(0) == b"one"
    with pytest.raises(EngineUnavailable, match="reset by peer"):
        output.read(0)


def test_only_the_end_of_the_log_is_kept() -> None:
    output = Output()
    for _ in range(10):
        output.feed(None, b"x" * 100_000)
    output.feed(None, b"the end\xff")
    assert len(output.log()) == 256 << 10
    assert output.log().endswith("xthe end\N{REPLACEMENT CHARACTER}")


def feed_forever(output: Output, fed: list[int]) -> threading.Thread:
    def work() -> None:
        for number in range(1000):
            output.feed(b"x", None)
            fed.append(number)
        output.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_writer_waits_for_a_reader_that_is_behind() -> None:
    output, fed = Output(), list[int]()
    thread = feed_forever(output, fed)
    until = time.monotonic() + 10
    while len(fed) < 64 and time.monotonic() < until:
        time.sleep(0.01)
    thread.join(timeout=0.1)
    assert len(fed) == 64
    total = 0
    while chunk := output.read(5):
        total += len(chunk)
    assert total == 1000


def test_a_writer_does_not_wait_for_a_reader_that_is_gone() -> None:
    output, fed = Output(), list[int]()
    thread = feed_forever(output, fed)
    output.abandon()
    thread.join(timeout=5)
    assert not thread.is_alive()


def cut(limit: int, *chunks: bytes) -> list[bytes | int]:
    lines = Lines(limit)
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return found + list(lines.finish())


def test_lines_are_cut_out_of_chunks() -> None:
    assert cut(100, b"on", b"e\ntwo\n\n  \nth", b"ree") == [b"one", b"two", b"three"]


def test_an_overlong_line_is_its_length_and_the_next_is_whole() -> None:
    assert cut(5, b"12345\n1234", b"56\nabc\n") == [b"12345", 6, b"abc"]
    assert cut(5, b"1234567") == [7]


def test_no_more_than_the_limit_is_held_of_a_line() -> None:
    lines = Lines(1000)
    for _ in range(1000):
        assert list(lines.feed(b"x" * 999)) == []
        assert len(lines._pending) <= 1000
    assert list(lines.feed(b"\n")) == [999_000]


@given(st.binary(), st.integers(0, 30), st.lists(st.integers(0, 100)))
def test_where_chunks_are_cut_does_not_matter(text: bytes, limit: int, cuts: list[int]) -> None:
    borders = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    chunks = [text[a:b] for a, b in pairwise(borders)]
    assert cut(limit, *chunks) == cut(limit, text)
    whole = [line for line in text.split(b"\n") if len(line) > limit or line.strip()]
    expected = [len(line) if len(line) > limit else line for line in whole]
    assert cut(limit, text) == expected
