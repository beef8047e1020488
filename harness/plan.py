"""What a run will do, as frozen data: no Docker, no database, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from harness.config import Settings, Suite
from harness.errors import UsageError
from harness.own import LAUNCHES, OwnSuite
from harness.sides import Side
from harness.target import Target
from workloads.catalog import CASES, Case, find

BUILT_IN_SUITES = {"quick": 3, "standard": 5, "full": 5, "ceilings": 1}
"""Launches of each built-in suite; which cases it holds is the catalogue's to say."""


ROUNDS_IN_TURNS = 21
"""Rounds of a case in each launch of a pair. More would not help: launches differ by more than
their medians are uncertain."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One measurement of a suite: `part` counts the processes that it takes, one where all goes
    well and all cases want the same devices; a part holds what the ones before did not.
    `profiled`: under JAX's profiler, and not timed."""

    index: int
    part: int
    cases: tuple[str, ...]
    profiled: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All launches of one target and suite on this machine: a run.

    `own`: the suite where it is one's own; its cases are known once it has been collected.
    `revision`: the commit of the target's project that is installed; None: as it lies there.
    `image`: the digest to measure as it is, instead of what the target makes.
    `profiled`: its cases run under JAX's profiler as well, in a launch of its own.
    """

    target_name: str
    target: Target
    suite: str
    isolation: str
    launches: tuple[Launch, ...]
    tags: Mapping[str, str]
    own: OwnSuite | None = None
    revision: str | None = None
    image: str | None = None
    profiled: bool = False

    @property
    def profile(self) -> Launch | None:
        """The launch that follows those that are timed, and times none, where one is asked for."""
        if not self.profiled:
            return None
        return Launch(index=len(self.launches), part=0, cases=self.cases, profiled=True)

    @property
    def cases(self) -> tuple[str, ...]:
        return self.launches[0].cases


@dataclass(frozen=True, kw_only=True)
class PairPlan:
    """Two sides to be measured in turns, launch pair by launch pair.

    Both have as many launches as there can be pairs. `rounds`: of each case in each launch, at
    least; 0 where the tests of one's own suite say that.
    `budget_s`: no pair is begun that would not end within it; None: no matter how long.
    `anchor`: the row of the anchor that the base is, where this is a night of it.
    """

    base: Plan
    candidate: Plan
    rounds: int
    budget_s: float | None = None
    anchor: int | None = None

    @property
    def pairs(self) -> int:
        """The most there can be."""
        return len(self.base.launches)


def make_plan(
    settings: Settings,
    *,
    target: str,
    suite: str,
    globs: Sequence[str] = (),
    launches: int | None = None,
    isolation: str | None = None,
    tags: Mapping[str, str] | None = None,
    profiled: bool = False,
) -> Plan:
    """The plan of a run. `isolation`: instead of the target's. Raises `UsageError` for what is
    unknown or selects nothing."""
    chosen = settings.target(target)
    count = _launches(settings, suite)
    ids = tuple(case.id for case in cases_of(settings, suite, globs))
    return Plan(
        target_name=target,
        target=chosen,
        suite=suite,
        isolation=isolation or chosen.isolation,
        launches=tuple(
            Launch(index=index, part=0, cases=ids) for index in range(launches or count)
        ),
        tags=MappingProxyType(dict(tags or {})),
        profiled=profiled,
    )


def make_own_plan(
    settings: Settings,
    *,
    target: str,
    own: OwnSuite,
    launches: int | None = None,
    isolation: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a run of one's own workloads, yet without cases (see `with_cases`).
    `isolation`: instead of the target's.

    Raises `UsageError` for an unknown target.
    """
    chosen = settings.target(target)
    return Plan(
        target_name=target,
        target=chosen,
        suite=own.name,
        isolation=isolation or chosen.isolation,
        launches=tuple(
            Launch(index=index, part=0, cases=()) for index in range(launches or LAUNCHES)
        ),
        tags=MappingProxyType(dict(tags or {})),
        own=own,
    )


def make_pair_plan(
    settings: Settings,
    *,
    base: Side,
    candidate: Side,
    suite: str = "quick",
    globs: Sequence[str] = (),
    own: OwnSuite | None = None,
    pairs: int,
    budget_s: float | None = None,
    isolation: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> PairPlan:
    """The plan of two sides in turns, at most so many launch pairs. `own`: instead of a suite.
    `isolation`: of both, instead of their targets'.

    Raises `UsageError`, also where one side would be a container and the other a plain process.
    """
    how: dict[str, Any] = {"launches": pairs, "isolation": isolation, "tags": tags}

    def plan(side: Side) -> Plan:
        target = str(side.target)
        if own is None:
            made = make_plan(settings, target=target, suite=suite, globs=globs, **how)
        else:
            made = make_own_plan(settings, target=target, own=own, **how)
        if side.jax is not None:
            made = replace(made, target=made.target.model_copy(update={"jax": side.jax}))
        return replace(made, revision=side.revision, image=side.image)

    sides = plan(base), plan(candidate)
    _need_equal_isolation(*sides)
    return PairPlan(
        base=sides[0],
        candidate=sides[1],
        rounds=ROUNDS_IN_TURNS if own is None else 0,
        budget_s=budget_s,
    )


def _need_equal_isolation(base: Plan, candidate: Plan) -> None:
    if base.isolation != candidate.isolation:
        raise UsageError(
            f"{base.target_name} is measured as a {base.isolation}, {candidate.target_name} as a "
            f"{candidate.isolation}; say --isolation container or process for both"
        )


def with_cases(plan: Plan, cases: tuple[str, ...]) -> Plan:
    """`plan`, each of whose launches measures `cases`."""
    return replace(plan, launches=tuple(replace(each, cases=cases) for each in plan.launches))


def first_process(cases: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of `cases` that the next process of a launch measures, and the rest.

    A process has as many devices as its first case needs: forced ones on a CPU, which would
    change what the other cases measure. A case that wants to be alone is.
    """
    first = find(cases[0])
    process = tuple(
        case.id
        for case in map(find, cases)
        if case is first or not (case.alone or first.alone or case.devices != first.devices)
    )
    return process, tuple(case for case in cases if case not in process)


def suites_of(settings: Settings, case: Case) -> tuple[str, ...]:
    """Every suite that holds `case`, built in or declared in jaxrig.toml."""
    own = [name for name, suite in settings.suites.items() if _matches(case.id, suite.cases)]
    return tuple(dict.fromkeys((*case.suites, *own)))


def select(cases: Iterable[Case], globs: Sequence[str]) -> tuple[Case, ...]:
    """The cases whose id matches one of `globs`, in the order of the catalogue.

    Raises `UsageError` where a glob matches nothing: a renamed case must not pass silently.
    """
    known = tuple(cases)
    for glob in globs:
        if not any(fnmatchcase(case.id, glob) for case in known):
            raise UsageError(f"no case matches {glob!r}; see `jaxrig cases` for what there is")
    return tuple(case for case in known if _matches(case.id, globs))


def cases_of(
    settings: Settings, suite: str | None = None, globs: Sequence[str] = ()
) -> tuple[Case, ...]:
    """The cases of `suite` (all where None) that match `globs` (all where empty).

    Raises `UsageError` for an unknown suite and for a glob that matches nothing.
    """
    if suite is None:
        cases = CASES
    elif suite in settings.suites:
        cases = select(CASES, settings.suites[suite].cases)
    else:
        _launches(settings, suite)
        cases = tuple(case for case in CASES if suite in case.suites)
    return select(cases, globs) if globs else cases


def _launches(settings: Settings, suite: str) -> int:
    own: Suite | None = settings.suites.get(suite)
    if own is not None:
        return own.launches
    if suite in BUILT_IN_SUITES:
        return BUILT_IN_SUITES[suite]
    known = ", ".join((*BUILT_IN_SUITES, *settings.suites))
    raise UsageError(f"unknown suite {suite!r}; known are: {known}")


def _matches(case_id: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(case_id, glob) for glob in globs)
