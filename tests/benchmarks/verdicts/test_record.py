from pathlib import Path

import pytest

from tests.benchmarks.verdicts.record import Other, Record


def test_what_was_measured_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.jsonl"
    record = Record(path, {"machine": "m"})
    record.add("asv/noise/0/0", {"took_s": 1.5})
    record.add("asv/noise/0/1", {"took_s": None})
    again = Record(path, {"machine": "m"})
    assert again.results == {"asv/noise/0/0": {"took_s": 1.5}, "asv/noise/0/1": {"took_s": None}}


def test_another_machine_is_refused(tmp_path: Path) -> None:
    Record(tmp_path / "record.jsonl", {"machine": "m"})
    with pytest.raises(Other, match="move it away"):
        Record(tmp_path / "record.jsonl", {"machine": "other"})


def test_what_is_no_number_is_not_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl", {})
    with pytest.raises(ValueError, match="JSON"):
        record.add("x", {"took_s": float("nan")})
