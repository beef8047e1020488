from pathlib import Path

import pytest

from tests.benchmarks.verdicts.__main__ import BEGIN, DOCS, END, between_marks, where
from tests.benchmarks.verdicts.plan import plan
from tests.benchmarks.verdicts.record import Record


def test_only_what_is_between_the_marks_is_written_anew() -> None:
    assert between_marks(f"a{BEGIN}old{END}b", "new\n") == f"a{BEGIN}new\n{END}b"
    with pytest.raises(ValueError, match="not found"):
        between_marks("a", "new")


def test_the_page_has_the_marks() -> None:
    between_marks((DOCS / "verdicts.md").read_text(), "new\n")


def test_it_is_said_on_which_machines_how_much_was_measured(tmp_path: Path) -> None:
    first, second, *_ = (item.id for item in plan())
    for machine, name in (("one", first), ("other", second)):
        record = Record(tmp_path / "record.jsonl", {}, machine)
        record.add(f"machines/{machine}", {"cpu_model": "C", "cores": 2, "memory_gib": 4})
        record.add(f"claims/{machine}/0", {})
        record.add(name, {})
    assert where(record) == (
        "Comparisons: 1 on C, 2 cores, 4 GiB (`one`); 1 on C, 2 cores, 4 GiB (`other`); "
        f"{len(plan())} in all.\n"
    )
