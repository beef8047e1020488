"""Which cases two sides have in common: what one of them lacks is told, and measured on neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.plan import PairPlan, Plan
from harness.runner.asked import telling
from harness.runner.collect import Uncollected, known_cases
from harness.runner.run import contents_of
from harness.runner.setup import Setup
from workloads.catalog import find

Presence = Literal["added", "removed", "changed"]
"""`added`: the candidate alone has it. `changed`: under its id the sides compute other things, or
other things than this harness could check."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What one side has. `cases`: ids in their order, and what each computes. `failures`: what
    of a suite of one's own could not be collected."""

    cases: Mapping[str, str]
    failures: Sequence[Uncollected] = ()


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """`cases`: of both sides. `others`: the rest."""

    cases: tuple[str, ...]
    others: Mapping[str, Presence]


def held(plan: Plan, setup: Setup) -> Held:
    """Asks the side where it may know better. Raises what `contents_of`, `known_cases` do."""
    if plan.own is not None:
        contents = contents_of(plan, setup)
        found = (*contents.benchmarks, *contents.others)
        chosen = plan.own.select(found, complete=not contents.failures)
        return Held(cases=dict.fromkeys(chosen, ""), failures=contents.failures)
    wanted = {case: find(case).definition for case in plan.cases}
    if plan.image is None:
        return Held(cases=wanted)
    told = known_cases(setup.engine, telling(plan, setup), plan.target.case_limit_s)
    return Held(cases={case: told[case] for case in wanted if case in told})


def overlap(plan: PairPlan, base: Held, candidate: Held) -> Overlap:
    """Raises `UsageError` where there is nothing in common."""
    others: dict[str, Presence] = {}
    for case in dict.fromkeys((*base.cases, *candidate.cases)):
        if case not in base.cases:
            others[case] = "added"
        elif case not in candidate.cases:
            others[case] = "removed"
        elif len({base.cases[case], candidate.cases[case], _definition(plan, case)}) > 1:
            others[case] = "changed"
    cases = tuple(case for case in base.cases if case not in others)
    if not cases:
        raise UsageError(
            f"{plan.base.target_name} and {plan.candidate.target_name} have no case in common, "
            f"of {len(base.cases)} and {len(candidate.cases)}"
        )
    return Overlap(cases=cases, others=others)


def _definition(plan: PairPlan, case: str) -> str:
    return "" if plan.base.own is not None else find(case).definition
