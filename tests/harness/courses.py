"""Courses of bisections, as if they had been measured."""

from collections.abc import Callable
from dataclasses import replace

from harness.course import Course, Decision, Outcome, Question, Step
from harness.revisions import Revision
from tests.harness.samples import A

COUNT, CULPRIT = 12, 7


def name(number: int) -> str:
    """A commit's hash."""
    return f"{number:040x}"


QUESTION = Question(
    case=A,
    target="mine",
    suite="quick",
    good=name(0),
    revisions=tuple(
        Revision(
            name=name(each),
            parents=(name(each - 1),) if each > 1 else (),
            subject=f"commit {each}",
            date="2026-03-01T12:00:00+00:00",
        )
        for each in range(1, COUNT + 1)
    ),
    floor=0.02,
    settings={"platform": "cpu"},
)


def decision(step: Step, outcome: Outcome = "same", **changes: object) -> Decision:
    """With a ratio where there is a verdict."""
    made = Decision(revision=step.revision, against=step.against, outcome=outcome)
    if outcome in ("slower", "faster", "same", "unclear"):
        ratio = 1.5 if outcome == "slower" else 1.0
        made = replace(
            made, ratio=ratio, low=ratio - 0.1, high=ratio + 0.1, pairs=7, runs=("one", "other")
        )
    return replace(made, **changes)  # type: ignore[arg-type]


def measured(step: Step, culprit: int = CULPRIT) -> Decision:
    """Slower where the culprit lies between the two."""
    revision, against = int(step.revision, 16), int(step.against, 16)
    return decision(step, "slower" if against < culprit <= revision else "same")


def walked(measure: Callable[[Step], Decision] = measured, most: int = 100) -> Course:
    """To its end, or so many steps far."""
    course = Course(question=QUESTION)
    while (step := course.next) is not None and len(course.decisions) < most:
        course = course.after(measure(step))
    return course
