"""A plan is pure: settings and a selection in, frozen launches out."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from harness.config import Settings, Suite
from harness.errors import UsageError
from harness.own import OwnSuite
from harness.plan import (
    BUILT_IN_SUITES,
    PairPlan,
    Plan,
    cases_of,
    first_process,
    make_own_plan,
    make_pair_plan,
    make_plan,
    select,
    suites_of,
    with_cases,
)
from harness.sides import parse_side
from harness.target import BUILT_IN_TARGETS
from workloads.catalog import CASES, SUITES, find

SETTINGS = Settings(targets=BUILT_IN_TARGETS)
WITH_SUITE = Settings(
    targets=BUILT_IN_TARGETS,
    suites={"mine": Suite(cases=("dense/*/forward/f32", "matmul/256/f32"), launches=2)},
)


def quick(*globs: str, launches: int | None = None) -> Plan:
    return make_plan(SETTINGS, target="cpu", suite="quick", globs=globs, launches=launches)


def test_every_launch_of_a_suite_measures_all_its_cases_in_the_catalogue_s_order() -> None:
    plan = quick()
    expected = tuple(case.id for case in CASES if "quick" in case.suites)
    assert plan.cases == expected
    assert [launch.cases for launch in plan.launches] == [expected] * BUILT_IN_SUITES["quick"]
    assert [(launch.index, launch.part) for launch in plan.launches] == [(0, 0), (1, 0), (2, 0)]
    assert plan.target is BUILT_IN_TARGETS["cpu"]


def test_the_built_in_suites_are_the_catalogue_s() -> None:
    assert tuple(BUILT_IN_SUITES) == SUITES


def test_globs_narrow_the_suite_and_keep_its_order() -> None:
    assert quick("*/bf16", "matmul/256/*").cases == tuple(
        case.id
        for case in CASES
        if "quick" in case.suites and (case.dtype == "bf16" or case.id == "matmul/256/f32")
    )


def test_a_star_crosses_slashes_and_case_matters() -> None:
    assert quick("*relu*").cases == ("activation/relu/64MiB/f32",)
    with pytest.raises(UsageError):
        quick("*RELU*")


def test_the_number_of_launches_may_be_asked_for() -> None:
    assert len(quick(launches=1).launches) == 1


def test_an_own_suite_brings_its_cases_and_launches() -> None:
    plan = make_plan(WITH_SUITE, target="cpu", suite="mine")
    assert plan.cases == ("matmul/256/f32", "dense/1/forward/f32", "dense/128/forward/f32")
    assert len(plan.launches) == 2


def test_a_plan_cannot_be_changed() -> None:
    tags = {"night": "1"}
    plan = make_plan(SETTINGS, target="cpu", suite="quick", tags=tags)
    tags["night"] = "2"
    assert plan.tags == {"night": "1"}
    with pytest.raises(TypeError):
        plan.tags["night"] = "3"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        plan.suite = "full"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wanted", "advice"),
    [
        ({"target": "abacus"}, "unknown target 'abacus'; known are: cpu, cuda"),
        (
            {"suite": "slow"},
            "unknown suite 'slow'; known are: quick, standard, full, ceilings, mine",
        ),
        ({"globs": ("matmul/*", "nope/*")}, "no case matches 'nope/\\*'; see `jaxrig cases`"),
        ({"suite": "mine", "globs": ("transformer/*",)}, "no case matches 'transformer/\\*'"),
    ],
)
def test_what_is_unknown_is_a_usage_error_with_advice(wanted: dict[str, str], advice: str) -> None:
    with pytest.raises(UsageError, match=advice) as refused:
        make_plan(WITH_SUITE, **({"target": "cpu", "suite": "quick"} | wanted))  # type: ignore[arg-type]
    assert refused.value.exit_code == 2


def test_a_suite_whose_glob_matches_nothing_any_more_is_refused() -> None:
    settings = Settings(targets=BUILT_IN_TARGETS, suites={"old": Suite(cases=("renamed/*",))})
    with pytest.raises(UsageError, match="renamed"):
        cases_of(settings, "old")


def test_without_a_suite_every_case_is_chosen_from() -> None:
    assert cases_of(SETTINGS) == CASES
    assert [case.id for case in cases_of(SETTINGS, globs=["dense/1/f*/f32"])] == [
        "dense/1/forward/f32"
    ]


def test_a_case_knows_the_suites_that_hold_it() -> None:
    dense = find("dense/1/forward/f32")
    assert suites_of(SETTINGS, dense) == dense.suites
    assert suites_of(WITH_SUITE, dense) == (*dense.suites, "mine")
    assert "mine" not in suites_of(WITH_SUITE, find("matmul/512/f32"))


def test_selecting_twice_the_same_gives_each_case_once() -> None:
    assert len(select(CASES, ["matmul/256/f32", "matmul/256/*"])) == 2


def test_one_s_own_workloads_are_launched_three_times_and_get_their_cases_later() -> None:
    own = OwnSuite(folder=Path("/home/me/bench"))
    plan = make_own_plan(SETTINGS, target="cpu", own=own, tags={"a": "b"})
    assert (plan.suite, plan.cases, len(plan.launches)) == ("own:bench", (), 3)
    assert (plan.own, plan.tags, plan.isolation) == (own, {"a": "b"}, "container")
    known = with_cases(plan, ("x", "y"))
    assert [(each.index, each.cases) for each in known.launches] == [
        (index, ("x", "y")) for index in range(3)
    ]
    assert len(make_own_plan(SETTINGS, target="cpu", own=own, launches=7).launches) == 7
    with pytest.raises(UsageError, match="unknown target"):
        make_own_plan(SETTINGS, target="abacus", own=own)


PLAIN = BUILT_IN_TARGETS["cpu"].model_copy(update={"isolation": "process"})
WITH_PLAIN = Settings(targets={**BUILT_IN_TARGETS, "plain": PLAIN})


@pytest.mark.parametrize(
    ("target", "asked", "isolation"),
    [
        ("plain", None, "process"),
        ("plain", "container", "container"),
        ("cpu", None, "container"),
        ("cpu", "process", "process"),
    ],
)
def test_what_is_asked_for_goes_before_the_target_s_isolation(
    target: str, asked: str | None, isolation: str
) -> None:
    own = OwnSuite(folder=Path("/home/me/bench"))
    plans = (
        make_plan(WITH_PLAIN, target=target, suite="quick", isolation=asked),
        make_own_plan(WITH_PLAIN, target=target, own=own, isolation=asked),
    )
    assert [plan.isolation for plan in plans] == [isolation] * 2


def test_a_container_and_a_plain_process_are_no_pair() -> None:
    def pair(isolation: str | None) -> PairPlan:
        base, candidate = parse_side("cpu"), parse_side("plain")
        return make_pair_plan(
            WITH_PLAIN, base=base, candidate=candidate, pairs=1, isolation=isolation
        )

    with pytest.raises(UsageError, match="cpu is measured as a container, plain as a process; say"):
        pair(None)
    assert pair("process").base.isolation == pair("process").candidate.isolation == "process"


def test_a_case_that_wants_to_be_alone_has_a_process_of_its_own() -> None:
    alone = [case.id for case in CASES if case.alone][:2]
    first, last = "matmul/256/f32", CASES[0].id
    assert first_process((first, *alone, last)) == ((first, last), tuple(alone))
    assert first_process(alone) == ((alone[0],), (alone[1],))
    assert first_process((alone[1], last)) == ((alone[1],), (last,))
