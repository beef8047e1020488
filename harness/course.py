"""The course of a bisection: what was asked, what was found so far, and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from harness.bisection import Bisection, Finding
from harness.revisions import Revision

Outcome = Literal["slower", "faster", "same", "unclear", "not_built", "lacking", "failed"]
"""The verdicts of `jaxrig ab`, or why there is none: it has no image, or not the case, or the case
could not be measured."""

_FINDINGS: Mapping[Outcome, Finding] = {"slower": "bad", "faster": "good", "same": "good"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sought: since which of `revisions` `case` is slower than in `good`. The last of them
    is the bad one. `settings`: of the target, and whatever else would make it another question."""

    case: str
    target: str
    suite: str
    good: str
    revisions: tuple[Revision, ...]
    floor: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises `ValueError` for revisions that nothing can be sought among."""
        if not self.revisions:
            raise ValueError("it names no revision")
        before: set[str] = set()
        for each in self.revisions:
            if not before.issuperset(each.parents):
                raise ValueError(f"{each.name} comes before what it builds on")
            before.add(each.name)

    @property
    def bad(self) -> str:
        return self.revisions[-1].name

    @property
    def first(self) -> "Step":
        """What must turn out to be slower, or there is nothing to be sought."""
        return Step(revision=self.bad, against=self.good)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A revision that is to be measured in turns against another."""

    revision: str
    against: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What came of a step. `ratio`: of `revision` over `against`, with its interval, over `pairs`
    launch pairs. `same_code`: whether the compiler made the same program; None where nothing tells.
    `runs`: of both sides, as they are stored, `against` first. `reason`: for having no verdict.
    """

    revision: str
    against: str
    outcome: Outcome
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    same_code: bool | None = None
    runs: tuple[str, ...] = ()
    reason: str = ""

    @property
    def step(self) -> Step:
        return Step(revision=self.revision, against=self.against)

    @property
    def finding(self) -> Finding:
        return _FINDINGS.get(self.outcome, "skipped")


@dataclass(frozen=True, kw_only=True)
class Course:
    """A question and the decisions on it, in their order."""

    question: Question
    decisions: tuple[Decision, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ValueError` for a decision on what was not asked."""
        asked = {each.name for each in self.question.revisions}
        for each in self.decisions:
            if each.revision not in asked:
                raise ValueError(f"{each.revision} is none of the revisions that it asks for")

    @property
    def next(self) -> Step | None:
        """First whether the bad one is slower; then what parts the suspects; in the end the first
        bad one against what it builds on, if that is not `good`. None: there is no more to do."""
        question, name = self.question, self.bisection.next
        if question.first not in self._decided:
            return question.first
        if name is not None:
            return Step(revision=name, against=question.good)
        last = self._last
        return None if last is None or last in self._decided else last

    @property
    def change(self) -> Decision | None:
        """Of the first bad revision: against what it builds on where that was measured, else
        against `good`. None where there is none."""
        last = self._last
        if last is None:
            return None
        found = self._decided.get(last)
        if found is None or found.ratio is None:
            return self._decided.get(Step(revision=last.revision, against=self.question.good))
        return found

    @cached_property
    def bisection(self) -> Bisection:
        found = {
            each.revision: each.finding
            for each in self.decisions
            if each.against == self.question.good
        }
        return Bisection(revisions=self.question.revisions, found=found)

    def after(self, decision: Decision) -> "Course":
        return replace(self, decisions=(*self.decisions, decision))

    @cached_property
    def _decided(self) -> Mapping[Step, Decision]:
        return {each.step: each for each in self.decisions}

    @property
    def _last(self) -> Step | None:
        """The first bad one against what it builds on: its nearest good neighbour."""
        name = self.bisection.first_bad
        if name is None:
            return None
        parents = next(each.parents for each in self.question.revisions if each.name == name)
        found = self.bisection.found
        good = [each for each in parents if found.get(each) == "good"]
        return Step(revision=name, against=(*good, *parents, self.question.good)[0])
