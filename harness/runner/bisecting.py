"""Follows a bisection to its end: measures what comes next, and keeps what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from containers.errors import ImageUnavailable
from containers.ingredients import labels_of
from harness.ab import OTHER_CODE, TIME, Ab, CaseResult, within
from harness.course import Course, Decision, Outcome, Step
from harness.errors import (
    CasesFailed,
    EnvironmentFailure,
    JaxrigError,
    TooLittleData,
    UsageError,
)
from harness.plan import PairPlan
from harness.runner.interrupt import interruptible
from harness.runner.pairs import PairsResult, execute_pairs
from harness.runner.progress import Progress
from harness.runner.run import engine_failures
from harness.runner.setup import recipe, set_up
from harness.stats.judge import Rule
from harness.store.writer import Store
from harness.target import Target

FURTHER = 2
"""So many times the pairs for what was unclear."""

_AT_FIRST: Mapping[Outcome, type[JaxrigError]] = {
    "not_built": EnvironmentFailure,
    "lacking": UsageError,
    "failed": CasesFailed,
}
"""What it means where the bad revision itself cannot be judged."""


def described(name: str, target: Target) -> dict[str, Any]:
    """What makes a bisection another one: the target's settings, and hashes of its files. The
    folder of its project may be another checkout. Raises `UsageError` for a missing file."""
    made = recipe(name, target)
    files = {"Dockerfile": made.dockerfile, "requirements.txt": made.requirements}
    contents = {each: path.read_bytes() for each, path in files.items() if path is not None}
    paths = {"project", "dockerfile", "requirements"}
    settings = target.model_dump(mode="json", exclude=paths, exclude_defaults=True)
    return settings | labels_of(contents)


def follow(
    course: Course, measure: Callable[[Step], Decision], keep: Callable[[Decision], None]
) -> Course:
    """To its end; each decision is kept before the next is sought.

    Raises what `measure` does, and `TooLittleData` where the bad revision is not slower.
    """
    with interruptible():
        while (step := course.next) is not None:
            decision = measure(step)
            if step == course.question.first and decision.finding != "bad":
                raise _unfounded(decision)
            keep(decision)
            course = course.after(decision)
    return course


@dataclass(frozen=True, kw_only=True)
class InTurns:
    """Measures steps as `jaxrig ab` does. `plan`: of a step and at most so many pairs.
    `floor`: of the case. `pairs`: at most, and `FURTHER` times as many where these do not tell.
    `failures`: what went wrong in a stored run, by its name."""

    plan: Callable[[Step, int], PairPlan]
    floor: Callable[[str], float]
    pairs: int
    store: Store
    progress: Progress
    failures: Callable[[str], Sequence[str]]

    def measure(self, step: Step) -> Decision:
        """Raises what `execute_pairs` does, but for what is wrong with the step's revision alone:
        that is its outcome."""
        self.progress.say(f"next: {step.revision} in turns with {step.against}")
        missing = self._not_built(self.plan(step, self.pairs))
        if missing is not None:
            return _undecided(step, "not_built", missing)
        found = self._measure(step, self.pairs)
        if found.outcome != "unclear":
            return found
        self.progress.say(f"{step.revision} is unclear after {found.pairs} pairs; with more again")
        return self._measure(step, FURTHER * self.pairs)

    def _not_built(self, plan: PairPlan) -> str | None:
        """Why there is no image of the candidate; None where there is one."""
        with engine_failures():
            set_up(plan.base, self.progress.say)
            try:
                set_up(plan.candidate, self.progress.say)
            except ImageUnavailable as error:
                return str(error)
        return None

    def _measure(self, step: Step, pairs: int) -> Decision:
        rule = within(Rule(), pairs)

        def judge(cases: tuple[str, ...]) -> Ab:
            if len(cases) > 1:
                raise UsageError(f"a bisection is of one case, and this names {', '.join(cases)}")
            return Ab(cases=cases, floors={case: self.floor(case) for case in cases}, rule=rule)

        try:
            done = execute_pairs(self.plan(step, rule.most_pairs), self.store, self.progress, judge)
        except UsageError as error:
            return _undecided(step, "lacking", str(error))
        (time,) = (
            each for each in judge(done.cases).results(done.turned) if each.metric == TIME.name
        )
        why = [*done.skipped.values(), *self._reasons(done)]
        decision = _decided(step, time, done)
        return replace(decision, outcome="failed", reason=why[0]) if why else decision

    def _reasons(self, done: PairsResult) -> list[str]:
        if not done.failures:
            return []
        return [each for run in (done.candidate, done.base) for each in self.failures(run)]


def _decided(step: Step, time: CaseResult, done: PairsResult) -> Decision:
    told = {each.same_code for each in done.turned} - {None}
    return Decision(
        revision=step.revision,
        against=step.against,
        outcome=time.verdict,
        ratio=time.ratio,
        low=time.low,
        high=time.high,
        pairs=time.pairs,
        same_code=OTHER_CODE not in time.remarks if told else None,
        runs=(done.base, done.candidate),
        reason="; ".join(time.remarks) if time.verdict == "unclear" else "",
    )


def _undecided(step: Step, outcome: Outcome, reason: str) -> Decision:
    return Decision(revision=step.revision, against=step.against, outcome=outcome, reason=reason)


def _unfounded(decision: Decision) -> JaxrigError:
    """Why there is nothing to be sought."""
    refused = _AT_FIRST.get(decision.outcome)
    if refused is not None:
        return refused(f"{decision.revision}, the bad one, cannot be judged: {decision.reason}")
    by = "" if decision.ratio is None else f" ({decision.ratio:.3f} of its time)"
    return TooLittleData(
        f"{decision.revision} is not slower than {decision.against}: {decision.outcome}{by}, "
        f"after {decision.pairs} pairs; name revisions that differ by more than the floor, set a "
        "lower one in jaxrig.toml ([floors]), or raise --max-pairs"
    )
