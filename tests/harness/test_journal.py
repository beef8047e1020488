"""A log is gone on with: the same question, what was written to its end, and nothing else."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.course import Course, Question
from harness.errors import UsageError
from harness.journal import add, read, resumed
from tests.harness.courses import QUESTION, name, walked


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Of a whole course."""
    path = tmp_path / "a.jsonl"
    resumed(path, QUESTION)
    for each in walked().decisions:
        add(path, each)
    return path


def test_a_log_tells_the_whole_course(log: Path) -> None:
    assert read(log) == walked() == resumed(log, QUESTION)
    assert len(log.read_text().splitlines()) == 1 + len(walked().decisions)


def test_where_there_is_no_log_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    assert resumed(path, QUESTION) == Course(question=QUESTION) == read(path)


def test_a_line_that_was_cut_off_counts_as_none(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-10])
    before = walked().decisions[:-1]
    assert resumed(log, QUESTION).decisions == before
    add(log, walked().decisions[-1])  # on a line of its own
    assert read(log) == walked()


def test_a_decision_that_was_taken_out_is_sought_again(log: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:2] + lines[3:]))
    assert resumed(log, QUESTION).decisions == walked().decisions[:1] + walked().decisions[2:]


@pytest.mark.parametrize(
    ("question", "what"),
    [
        (replace(QUESTION, good=name(99)), "good"),
        (replace(QUESTION, case="another", floor=0.5), "case, floor"),
        (replace(QUESTION, settings={"platform": "cuda"}), "settings"),
        (replace(QUESTION, revisions=QUESTION.revisions[:-1]), "revisions"),
    ],
)
def test_another_question_is_refused(log: Path, question: Question, what: str) -> None:
    before = log.read_bytes()
    with pytest.raises(UsageError, match=rf"another question \({what}\); name another with --log"):
        resumed(log, question)
    assert log.read_bytes() == before


def test_where_nothing_was_decided_another_question_may_take_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    resumed(path, QUESTION)
    other = replace(QUESTION, case="another")
    assert resumed(path, other).question == other == read(path).question


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"not JSON\n", b'{"case": "a"'])
def test_what_is_no_log_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="no log of `jaxrig bisect`"):
        resumed(path, QUESTION)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (
            lambda text: text.replace(f'"revision": "{name(12)}"', '"revision": "other"', 1),
            "none of",
        ),
        (lambda text: re.sub(r'"revisions": \[.*?\}\]', '"revisions": []', text), "no revision"),
        (lambda text: text.replace(f'"name": "{name(3)}"', '"name": "other"'), "what it builds on"),
    ],
)
def test_what_was_edited_to_make_no_sense_is_refused(
    log: Path, edit: Callable[[str], str], why: str
) -> None:
    log.write_text(edit(log.read_text()))
    with pytest.raises(UsageError, match=f"no log of `jaxrig bisect`: .*{why}"):
        read(log)


def test_a_log_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none")


def test_a_wrong_decision_names_its_key(log: Path) -> None:
    log.write_text(log.read_text().replace('"slower"', '"slow"'))
    with pytest.raises(UsageError, match="outcome: Input should be"):
        read(log)
