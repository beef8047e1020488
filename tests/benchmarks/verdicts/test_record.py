from pathlib import Path

import pytest

from tests.benchmarks.verdicts.record import Other, Record

RULES = {"rules": "r"}


def test_what_was_measured_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.jsonl"
    Record(path, RULES, "one").add("asv/noise/0/0", {"took_s": 1.5})
    Record(path, RULES, "other").add("asv/noise/0/1", {"took_s": None})
    again = Record(path, RULES)
    assert again.results == {"asv/noise/0/0": {"took_s": 1.5}, "asv/noise/0/1": {"took_s": None}}
    assert again.machines == {"asv/noise/0/0": "one", "asv/noise/0/1": "other"}


def test_another_rule_is_refused(tmp_path: Path) -> None:
    Record(tmp_path / "record.jsonl", RULES)
    with pytest.raises(Other, match="move it away"):
        Record(tmp_path / "record.jsonl", {"rules": "others"})


def test_who_only_reads_adds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only read"):
        Record(tmp_path / "record.jsonl", RULES).add("x", {})


def test_what_is_no_number_is_not_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl", {}, "m")
    with pytest.raises(ValueError, match="JSON"):
        record.add("x", {"took_s": float("nan")})
