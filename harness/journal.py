"""A bisection's log: the question in the first line, and one line for each decision, as JSON."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.course import Course, Decision, Question
from harness.errors import UsageError

_QUESTION = TypeAdapter(Question)
_DECISION = TypeAdapter(Decision)


def read(path: Path) -> Course:
    """The course so far. A last line that was not written to its end is none.

    Raises `UsageError` for a file that is no such log.
    """
    try:
        whole, _, _torn = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise UsageError(f"{path} is no log of `jaxrig bisect`: {error.strerror}") from error
    try:
        first, *others = whole.split(b"\n")
        question = _QUESTION.validate_json(first)
        return Course(
            question=question, decisions=tuple(_DECISION.validate_json(each) for each in others)
        )
    except ValueError as error:
        raise UsageError(f"{path} is no log of `jaxrig bisect`: {_first(error)}") from error


def resumed(path: Path, question: Question) -> Course:
    """The course that the log tells, or the beginning of one where nothing was decided yet.

    Raises `UsageError` where that was another question, and OSError.
    """
    course = read(path) if path.exists() else Course(question=question)
    if not course.decisions:
        course = Course(question=question)
    others = _differing(course.question, question)
    if others:
        raise UsageError(
            f"{path} is the log of another question ({', '.join(others)}); "
            "name another with --log, or remove it to begin anew"
        )
    write(path, course)
    return course


def write(path: Path, course: Course) -> None:
    """The whole of it anew, or nothing. Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    _put(beside, "w", [asdict(course.question), *map(asdict, course.decisions)])
    beside.replace(path)


def add(path: Path, decision: Decision) -> None:
    """Another line, on the disk when this returns. Raises OSError."""
    _put(path, "a", [asdict(decision)])


def _put(path: Path, mode: str, lines: Iterable[dict[str, Any]]) -> None:
    with path.open(mode, encoding="utf-8") as file:
        for each in lines:
            file.write(json.dumps(each, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _differing(before: Question, now: Question) -> list[str]:
    """Names of what is another, as the log calls it."""
    old, new = (json.loads(_QUESTION.dump_json(each)) for each in (before, now))
    return [name for name in old if old[name] != new[name]]


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"])) or "a line"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
