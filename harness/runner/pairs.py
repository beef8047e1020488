"""Launch pairs: one launch of either side, alive at once and measured in turns."""

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.plan import Launch, PairPlan, first_process, with_cases
from harness.records import Benchmark, Measured
from harness.runner.interrupt import interruptible
from harness.runner.overlap import Presence, held, overlap
from harness.runner.progress import Progress
from harness.runner.run import OngoingRun, close_abandoned, engine_failures
from harness.runner.setup import set_up
from harness.runner.turns import follow_in_turns
from harness.stats.rounds import SHARE_OF_FLOOR, rounds_wanted
from harness.store.writer import Store


@dataclass(frozen=True, kw_only=True)
class Turned:
    """One case in one launch pair: seconds a call of both sides, turn by turn.

    `by_rounds`: sample by sample each other's turn; else the tests came one after the other, and
    only their medians say something together. `same_code`: whether the compiler made the same
    program; None where nothing is compiled. `once`: what is told once a launch, by name, of the
    base and the candidate.
    """

    case: str
    pair: int
    base_s: tuple[float, ...]
    candidate_s: tuple[float, ...]
    by_rounds: bool = True
    same_code: bool | None = None
    once: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Judge(Protocol):
    """Says when it has seen enough, and what of it. `floors`: of each case, the smallest change
    that matters."""

    @property
    def floors(self) -> Mapping[str, float]: ...

    def as_dict(self) -> dict[str, Any]:
        """The rule, to be kept."""

    def open_cases(self, turned: Sequence[Turned]) -> tuple[str, ...]:
        """Which cases need another pair, by what has been measured so far."""

    def verdicts(self, turned: Sequence[Turned]) -> Sequence[Mapping[str, Any]]:
        """What is to be kept of each case: columns of `VerdictRow`."""


MakeJudge = Callable[[tuple[str, ...]], Judge]
"""A judge of the cases that both sides have: they are known once both are set up."""


@dataclass(frozen=True, kw_only=True)
class PairsResult:
    """Both runs' names, the row of their pairing, and what they measured in turns. `cases`: those
    that both sides have; `others`: the rest, measured on neither. `failures`: of both sides.
    `same_image`: one and the same on both."""

    base: str
    candidate: str
    pairing: int
    cases: tuple[str, ...]
    others: Mapping[str, Presence]
    turned: tuple[Turned, ...]
    failures: int
    skipped: Mapping[str, str]
    same_image: bool


def execute_pairs(
    plan: PairPlan, store: Store, progress: Progress, make_judge: MakeJudge
) -> PairsResult:
    """Measures pairs until no case is open, or there are as many as the plan allows.

    Raises what `execute` does, and `UsageError` for sides that have nothing in common.
    """
    with interruptible(), engine_failures():
        sides = plan.base, plan.candidate
        setups = [set_up(side, progress.say) for side in sides]
        close_abandoned(store)
        has = [held(side, setup) for side, setup in zip(sides, setups, strict=True)]
        both = overlap(plan, *has)
        judge = make_judge(both.cases)
        base, candidate = (
            OngoingRun(
                plan=with_cases(side, both.cases),
                setup=setup,
                store=store,
                progress=progress,
                beside_s=beside.target.launch_limit_s,
            )
            for side, beside, setup in zip(sides, reversed(sides), setups, strict=True)
        )
        with base, candidate:
            for run, side in zip((base, candidate), has, strict=True):
                run.fail_all(side.failures)
            pairing = store.pair_runs(
                base.id,
                candidate.id,
                rounds=plan.rounds,
                rule=judge.as_dict(),
                anchor=plan.anchor,
            )
            pairs = _Pairs(plan=plan, base=base, candidate=candidate)
            try:
                pairs.measure_all(judge)
            finally:  # an interrupt keeps what was measured, and so what it says
                store.add_verdicts(pairing, judge.verdicts(pairs.turned))
    return PairsResult(
        base=base.name,
        candidate=candidate.name,
        pairing=pairing,
        cases=both.cases,
        others=both.others,
        turned=tuple(pairs.turned),
        failures=base.failures + candidate.failures,
        skipped=base.skipped | candidate.skipped,
        same_image=setups[0].image is not None and setups[0].image == setups[1].image,
    )


class _Budget:
    """Time for pairs; the next is taken to last as long as the longest so far."""

    def __init__(self, budget_s: float | None) -> None:
        self._budget_s = budget_s
        self._start = self._last = time.monotonic()
        self._longest_s = 0.0

    def is_spent(self) -> bool:
        """Asked before each pair."""
        now = time.monotonic()
        self._longest_s, self._last = max(self._longest_s, now - self._last), now
        if self._budget_s is None:
            return False
        return now - self._start + self._longest_s > self._budget_s


@dataclass
class _Pairs:
    plan: PairPlan
    base: OngoingRun
    candidate: OngoingRun
    turned: list[Turned] = field(default_factory=list)

    def measure_all(self, judge: Judge) -> None:
        """Until no case is open that could be measured, or the plan's bounds are met."""
        budget = _Budget(self.plan.budget_s)
        for index in range(self.plan.pairs):
            cases = self.unbroken(judge.open_cases(self.turned))
            if not cases or budget.is_spent():
                break
            if not self.measure(index, cases, self.rounds(cases, judge.floors)):
                break

    def rounds(self, cases: tuple[str, ...], floors: Mapping[str, float]) -> dict[str, int]:
        """Of each of `cases` in the next pair: more than the plan's where they scatter much.
        Nothing of a suite of one's own, which says that itself."""
        if self.plan.base.own is not None:
            return {}
        scatter: dict[str, list[NDArray[np.float64]]] = {case: [] for case in cases}
        for each in self.turned:
            if each.case in scatter:
                scatter[each.case].append(np.log(np.divide(each.candidate_s, each.base_s)))
        return {
            case: rounds_wanted(
                scatter[case], SHARE_OF_FLOOR * math.log1p(floors[case]), self.plan.rounds
            )
            for case in cases
        }

    def unbroken(self, cases: tuple[str, ...]) -> tuple[str, ...]:
        """Those that neither side failed or skipped."""
        out = {*self.base.broken, *self.candidate.broken}
        out |= self.base.skipped.keys() | self.candidate.skipped.keys()
        return tuple(case for case in cases if case not in out)

    def measure(self, index: int, cases: tuple[str, ...], rounds: Mapping[str, int]) -> bool:
        """One launch pair, in further processes where the first do not come to their end.

        False where a process died before it came to any case.
        """
        limit_s = self.plan.base.target.launch_limit_s + self.plan.candidate.target.launch_limit_s
        deadline, part = time.monotonic() + limit_s, 0
        while cases:
            process, later = (cases, ()) if self.plan.base.own else first_process(cases)
            launch = Launch(index=index, part=part, cases=process)
            remaining = self._measure_part(launch, deadline, rounds)
            if remaining is None:
                return False
            cases, part = self.unbroken((*remaining, *later)), part + 1
        return True

    def _measure_part(
        self, launch: Launch, deadline: float, rounds: Mapping[str, int]
    ) -> tuple[str, ...] | None:
        """What neither side came to; None where it makes no sense to go on."""
        self.base.progress.launch_started(launch)
        runs = self.base, self.candidate
        for run in runs:
            run.latest.clear()
        with ExitStack() as stack:
            base, candidate = (
                stack.enter_context(run.launched(launch, deadline, rounds=rounds)) for run in runs
            )
            endings = follow_in_turns(
                base,
                candidate,
                launch.cases,
                candidate_first=random.random() < 0.5,  # noqa: S311 - no secret
            )
        self._collect(launch)
        if not all(ending.go_on for ending in endings):
            return None
        return tuple(
            case for case in launch.cases if all(case in ending.remaining for ending in endings)
        )

    def _collect(self, launch: Launch) -> None:
        for case in launch.cases:
            base, candidate = self.base.latest.get(case), self.candidate.latest.get(case)
            if base is not None and candidate is not None:
                self.turned.append(
                    Turned(
                        case=case,
                        pair=launch.index,
                        base_s=tuple(base.samples_s),
                        candidate_s=tuple(candidate.samples_s),
                        by_rounds=_by_rounds(base, candidate),
                        same_code=_same_code(base, candidate),
                        once=_once(base, candidate),
                    )
                )


def _by_rounds(base: Measured, candidate: Measured) -> bool:
    """Whether each sample of one has its turn in the other."""
    told = all(each.in_turns for each in (base, candidate) if isinstance(each, Benchmark))
    return told and len(base.samples_s) == len(candidate.samples_s)


def _once(base: Measured, candidate: Measured) -> dict[str, tuple[float, float]]:
    """What both sides tell: seconds to compile (tracing included), bytes of memory at the peak of
    the rounds (the device's, where it tells)."""
    both = _compile_s(base), _compile_s(candidate)
    memory = _memory_bytes(base), _memory_bytes(candidate)
    told = {"compile_time": both, "memory": memory}
    return {name: (x, y) for name, (x, y) in told.items() if x and y}


def _compile_s(found: Measured) -> float | None:
    if isinstance(found, Benchmark) or found.compile_s is None:
        return None
    return (found.trace_s or 0.0) + (found.lower_s or 0.0) + found.compile_s


def _memory_bytes(found: Measured) -> float | None:
    device = None if isinstance(found, Benchmark) else found.device_peak_bytes
    return device or found.peak_rss_bytes


def _same_code(base: Measured, candidate: Measured) -> bool | None:
    if isinstance(base, Benchmark) or isinstance(candidate, Benchmark):
        return None
    if base.hlo_sha256 is None or candidate.hlo_sha256 is None:
        return None
    return base.hlo_sha256 == candidate.hlo_sha256
