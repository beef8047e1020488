"""A reader that has gone ends the writing, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path

from harness.report.writing import write, write_all, write_bytes


def test_pieces_are_written_one_after_the_other(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        write_all(iter(["a", "b"]), out)
        assert write("c", out)
    with (tmp_path / "out").open("ab") as more:
        write_bytes(b"d", more)
    assert (tmp_path / "out").read_text() == "abcd"


def test_no_more_pieces_are_made_than_are_read() -> None:
    reader, writer = os.pipe()
    made = []

    def pieces() -> Iterator[str]:
        for number in range(10):
            made.append(number)
            if number == 2:
                os.close(reader)
            yield "text"

    with os.fdopen(writer, "w") as out:
        write_all(pieces(), out)
        assert write("into nothing", out)
    assert made == [0, 1, 2]


def test_bytes_without_a_reader_are_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        write_bytes(bytes(1 << 20), out)
