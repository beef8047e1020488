"""The steps of a bisection: what is kept when, and what a revision without a verdict ends as."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from containers.errors import EngineUnavailable, ImageUnavailable
from containers.process_engine import ProcessEngine
from harness.course import Course, Decision, Outcome, Step
from harness.errors import (
    CasesFailed,
    EnvironmentFailure,
    Interrupted,
    JaxrigError,
    TooLittleData,
    UsageError,
)
from harness.plan import PairPlan, Plan
from harness.runner import bisecting
from harness.runner.bisecting import InTurns, described, follow
from harness.runner.pairs import MakeJudge, PairsResult, Turned
from harness.runner.setup import Setup
from harness.store.writer import Store
from harness.target import BUILT_IN_TARGETS
from tests.checkout import ROOT
from tests.harness.courses import QUESTION, decision, measured, name, walked
from tests.harness.fakes import Watcher
from tests.harness.runner.bench import plan
from tests.harness.samples import A, B
from tests.harness.test_ab import turned

START = Course(question=QUESTION)
STEP = Step(revision=name(3), against=name(0))


def test_each_decision_is_kept_before_the_next_is_sought() -> None:
    kept: list[Decision] = []

    def measure(step: Step) -> Decision:
        assert step not in [each.step for each in kept]
        return measured(step)

    assert follow(START, measure, kept.append) == walked()
    assert tuple(kept) == walked().decisions


def test_it_goes_on_from_where_it_was() -> None:
    kept: list[Decision] = []
    assert follow(walked(most=2), measured, kept.append) == walked()
    assert tuple(kept) == walked().decisions[2:]


def test_what_was_decided_before_an_interruption_is_kept() -> None:
    kept: list[Decision] = []

    def measure(step: Step) -> Decision:
        if len(kept) == 2:
            raise Interrupted("stopped")
        return measured(step)

    with pytest.raises(Interrupted):
        follow(START, measure, kept.append)
    assert tuple(kept) == walked().decisions[:2]


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("same", TooLittleData),
        ("faster", TooLittleData),
        ("unclear", TooLittleData),
        ("not_built", EnvironmentFailure),
        ("lacking", UsageError),
        ("failed", CasesFailed),
    ],
)
def test_without_a_bad_one_there_is_nothing_to_be_sought(
    outcome: Outcome, error: type[JaxrigError]
) -> None:
    kept: list[Decision] = []
    with pytest.raises(error, match=QUESTION.bad):
        follow(START, lambda step: decision(step, outcome, reason="why"), kept.append)
    assert kept == []  # another try may find it


@dataclass
class Machine:
    """Measures what it is told to: log ratios scatter about what `ratio` says of a pair."""

    ratio: Callable[[int], float] = lambda _: 1.0
    same_code: bool | None = None
    changes: dict[str, object] = field(default_factory=dict)
    cases: tuple[str, ...] = (A,)
    error: Exception | None = None
    not_built: Exception | None = None
    asked: list[int] = field(default_factory=list)

    def set_up(self, plan: Plan, _: Callable[[str], None]) -> Setup:
        if plan.revision == STEP.revision and self.not_built is not None:
            raise self.not_built
        return Setup(engine=ProcessEngine(ROOT), image=None)

    def execute(self, plan: PairPlan, _: Store, __: object, make_judge: MakeJudge) -> PairsResult:
        self.asked.append(plan.pairs)
        if self.error is not None:
            raise self.error
        judge = make_judge(self.cases)
        found: list[Turned] = []
        while judge.open_cases(found) and len(found) < plan.pairs:
            (pair,) = turned(A, 1, self.ratio(len(found)))
            found.append(replace(pair, pair=len(found), same_code=self.same_code))
        done = PairsResult(
            base="one",
            candidate="other",
            pairing=1,
            cases=self.cases,
            others={},
            turned=tuple(found),
            failures=0,
            skipped={},
            same_image=False,
        )
        return replace(done, **self.changes)  # type: ignore[arg-type]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(bisecting, "set_up", machine.set_up)
    monkeypatch.setattr(bisecting, "execute_pairs", machine.execute)
    return machine


def plan_of(step: Step, pairs: int) -> PairPlan:
    base, candidate = (
        replace(plan(A, launches=pairs), revision=each) for each in (step.against, step.revision)
    )
    return PairPlan(base=base, candidate=candidate, rounds=21)


@pytest.fixture
def turns(machine: Machine, store: Store) -> InTurns:
    def failures(run: str) -> Sequence[str]:
        return ["crashed: exit code 139"] if run == "other" else []

    return InTurns(
        plan=plan_of,
        floor=lambda _: 0.02,
        pairs=12,
        store=store,
        progress=Watcher(),
        failures=failures,
    )


def test_it_is_judged_by_the_rules_of_ab(turns: InTurns, machine: Machine) -> None:
    machine.ratio, machine.same_code = (lambda _: 1.1), False
    found = turns.measure(STEP)
    assert (found.step, found.outcome, found.pairs) == (STEP, "slower", 7)
    assert found.ratio == pytest.approx(1.1, rel=1e-2)
    assert (found.same_code, found.runs, found.reason) == (False, ("one", "other"), "")
    machine.ratio, machine.same_code = (lambda _: 1.0), True
    found = turns.measure(STEP)
    assert (found.outcome, found.pairs, found.same_code) == ("same", 4, True)
    machine.same_code = None
    assert turns.measure(STEP).same_code is None
    assert machine.asked == [12, 12, 12]


def test_what_is_unclear_is_measured_with_more_pairs(turns: InTurns, machine: Machine) -> None:
    machine.ratio = lambda pair: 1.2 if pair % 2 else 1 / 1.2
    found = turns.measure(STEP)
    assert machine.asked == [12, 24]
    assert (found.outcome, found.finding) == ("unclear", "skipped")
    assert "pairs would decide it" in found.reason


def test_what_cannot_be_built_is_not_measured(turns: InTurns, machine: Machine) -> None:
    machine.not_built = ImageUnavailable("pip cannot install it")
    found = turns.measure(STEP)
    assert (found.outcome, found.reason) == ("not_built", "pip cannot install it")
    assert machine.asked == []


def test_an_engine_that_has_gone_is_no_fault_of_the_revision(
    turns: InTurns, machine: Machine
) -> None:
    machine.not_built = EngineUnavailable("no answer")
    with pytest.raises(EnvironmentFailure, match="no answer"):
        turns.measure(STEP)


def test_a_case_that_it_does_not_have_cannot_be_judged(turns: InTurns, machine: Machine) -> None:
    machine.error = UsageError("no case in common")
    assert turns.measure(STEP).outcome == "lacking"


def test_a_case_that_fails_is_not_judged_by_what_it_said_before(
    turns: InTurns, machine: Machine
) -> None:
    machine.ratio, machine.changes = (lambda _: 1.1), {"failures": 1}
    found = turns.measure(STEP)
    assert (found.outcome, found.reason) == ("failed", "crashed: exit code 139")
    assert found.ratio is not None
    machine.changes = {"skipped": {A: "too little memory"}}
    assert turns.measure(STEP).reason == "too little memory"


def test_a_bisection_is_of_one_case(turns: InTurns, machine: Machine) -> None:
    machine.cases = (A, B)
    assert "one case" in turns.measure(STEP).reason


def test_a_target_is_another_with_other_settings_or_files(tmp_path: Path) -> None:
    cpu = BUILT_IN_TARGETS["cpu"]
    same = described("cpu", cpu)
    assert described("cpu", cpu.model_copy(update={"project": tmp_path})) == same
    assert described("cpu", cpu.model_copy(update={"cpus": "0"})) != same
    own = tmp_path / "cpu.Dockerfile"
    own.write_text("FROM scratch\n")
    assert described("cpu", cpu.model_copy(update={"dockerfile": own})) != same
