import json
import os
from pathlib import Path

import pytest

from harness import records
from workloads.stream import SCHEMA_VERSION, Stream


def test_both_sides_speak_the_same_schema() -> None:
    assert SCHEMA_VERSION == records.SCHEMA_VERSION


def test_a_record_is_a_line_and_there_at_once(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    Stream(writer).send({"kind": "finished", "text": "two\nlines"})
    line = os.read(reader, 4096)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"kind": "finished", "text": "two\nlines"}
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(tmp_path: Path, value: float) -> None:
    with (tmp_path / "records").open("wb") as file, pytest.raises(ValueError, match="JSON"):
        Stream(file.fileno()).send({"value": value})
    assert (tmp_path / "records").read_bytes() == b""


def test_a_record_larger_than_a_pipe_arrives_whole(tmp_path: Path) -> None:
    with (tmp_path / "records").open("wb") as file:
        Stream(file.fileno()).send({"samples": [0.1] * 100_000})
    assert len(json.loads((tmp_path / "records").read_bytes())["samples"]) == 100_000
