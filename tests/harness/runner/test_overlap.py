"""What two sides have in common, and what of the rest is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from containers.spec import LaunchSpec
from harness.errors import UsageError
from harness.plan import PairPlan
from harness.runner.overlap import Held, Overlap, held, overlap
from harness.runner.setup import Setup
from tests.harness.fakes import FakeEngine, Script
from tests.harness.runner.bench import plan
from tests.harness.runner.test_own import OWN, own_plan, own_script
from tests.harness.samples import A, B, C, line
from workloads.catalog import find

DEFINITIONS = {case: find(case).definition for case in (A, B)}
BOTH = PairPlan(base=plan(A, B), candidate=plan(A, B), rounds=3)
OWN_BOTH = PairPlan(base=own_plan(), candidate=own_plan(), rounds=3)


def setup(script: Callable[[LaunchSpec], Script]) -> tuple[Setup, FakeEngine]:
    engine = FakeEngine(script)
    return Setup(engine=engine, image=None, own_folder="/own/bench"), engine


def test_what_one_side_lacks_or_computes_otherwise_is_not_in_common() -> None:
    base, candidate = {"a": "", "b": "", "c": ""}, {"d": "", "c": "", "b": ""}
    found = overlap(OWN_BOTH, Held(cases=base), Held(cases=candidate))
    assert found == Overlap(cases=("b", "c"), others={"a": "removed", "d": "added"})
    other = {A: "other", B: DEFINITIONS[B]}
    assert overlap(BOTH, Held(cases=DEFINITIONS), Held(cases=other)).others == {A: "changed"}
    # Of two old images that agree the harness could not check what they say.
    assert overlap(BOTH, Held(cases=other), Held(cases=other)).others == {A: "changed"}


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(UsageError, match="no case in common, of 1 and 1"):
        overlap(OWN_BOTH, Held(cases={"a": ""}), Held(cases={"b": ""}))


def test_a_target_s_image_holds_what_the_catalogue_does_and_is_not_asked() -> None:
    made, engine = setup(lambda _: Script())
    assert held(plan(A, B), made) == Held(cases=DEFINITIONS)
    assert engine.specs == []


def test_an_image_by_digest_is_asked() -> None:
    told: dict[str, Any] = {"cases": {A: DEFINITIONS[A], C: "x"}}
    made, engine = setup(lambda _: Script([line({"schema": 2, "kind": "known", **told})]))
    image = replace(plan(A, B), image="sha256:0")
    assert held(image, made) == Held(cases={A: DEFINITIONS[A]})
    assert engine.specs[0].command == ("-m", "workloads.launch", "--known")


def test_a_suite_of_one_s_own_is_asked_and_narrowed() -> None:
    failures = [{"case": "test_x.py", "message": "ImportError"}]
    made, _ = setup(own_script(said={"failures": failures}))
    found = held(own_plan("*test_b*"), made)
    assert tuple(found.cases) == OWN[:2]
    assert [each.case for each in found.failures] == ["test_x.py"]
