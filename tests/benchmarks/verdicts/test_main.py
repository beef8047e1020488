import pytest

from tests.benchmarks.verdicts.__main__ import BEGIN, DOCS, END, between_marks


def test_only_what_is_between_the_marks_is_written_anew() -> None:
    assert between_marks(f"a{BEGIN}old{END}b", "new\n") == f"a{BEGIN}new\n{END}b"
    with pytest.raises(ValueError, match="not found"):
        between_marks("a", "new")


def test_the_page_has_the_marks() -> None:
    between_marks((DOCS / "verdicts.md").read_text(), "new\n")
