"""What is measured after what, and what the change is said to be."""

from harness.course import Course, Decision, Step
from tests.harness.courses import (
    COUNT,
    CULPRIT,
    QUESTION,
    decision,
    measured,
    name,
    walked,
)


def test_it_begins_with_the_bad_one() -> None:
    assert Course(question=QUESTION).next == Step(revision=name(COUNT), against=name(0))
    assert walked(most=1).next != QUESTION.first


def test_everything_is_measured_against_the_good_one_but_for_the_last_step() -> None:
    course = walked()
    assert {each.against for each in course.decisions[:-1]} == {name(0)}
    assert course.decisions[-1].step == Step(revision=name(CULPRIT), against=name(CULPRIT - 1))
    assert course.bisection.first_bad == name(CULPRIT)
    assert course.change is course.decisions[-1]
    assert course.next is None


def test_what_builds_on_the_good_one_itself_is_not_measured_twice() -> None:
    course = walked(lambda step: measured(step, culprit=1))
    assert course.bisection.first_bad == name(1)
    assert {each.against for each in course.decisions} == {name(0)}
    assert course.change is course.decisions[-1]
    assert len({each.step for each in course.decisions}) == len(course.decisions)


def test_the_change_is_told_against_the_good_one_where_the_last_step_fails() -> None:
    def fails_at_last(step: Step) -> Decision:
        return measured(step) if step.against == name(0) else decision(step, "failed")

    course = walked(fails_at_last)
    change = course.change
    assert change is not None
    assert (change.revision, change.against) == (name(CULPRIT), name(0))
    assert course.next is None


def test_where_skipped_ones_hide_it_there_is_no_change() -> None:
    def builds_seldom(step: Step) -> Decision:
        hidden = step.revision in (name(CULPRIT), name(CULPRIT - 1))
        return decision(step, "not_built") if hidden else measured(step)

    course = walked(builds_seldom)
    assert (course.next, course.change, course.bisection.first_bad) == (None, None, None)
    assert course.bisection.suspects == tuple(map(name, (CULPRIT - 1, CULPRIT, CULPRIT + 1)))


def test_what_cannot_be_told_is_skipped() -> None:
    step = QUESTION.first
    findings = {
        outcome: decision(step, outcome).finding
        for outcome in ("slower", "faster", "same", "unclear", "not_built", "lacking", "failed")
    }
    assert findings == {
        "slower": "bad",
        "faster": "good",
        "same": "good",
        "unclear": "skipped",
        "not_built": "skipped",
        "lacking": "skipped",
        "failed": "skipped",
    }
