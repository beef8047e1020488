"""What `jaxrig run` measures: the suite that is asked for, and before it what explains it; and what
it writes beside its answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import pytest

from harness.cli import _parser, run
from harness.cli.run import _plans
from harness.plan import Plan
from harness.runner.run import Result
from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import add_run
from tests.harness.parsed import parsed
from tests.harness.samples import A, B


@pytest.mark.parametrize(
    ("words", "suites"),
    [
        ((), ["quick"]),
        (("--suite", "standard"), ["ceilings", "standard"]),
        (("--suite", "full"), ["ceilings", "full"]),
        (("--suite", "standard", "--no-ceilings"), ["standard"]),
        (("--suite", "standard", "--case", "matmul/*"), ["standard"]),
        (("--suite", "ceilings"), ["ceilings"]),
    ],
)
def test_a_whole_suite_begins_with_the_ceilings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], suites: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = _parser().parse_args(["run", *words, "--tag", "night=1", "--isolation", "process"])
    before, asked = _plans(arguments)
    plans = [*before, *asked]
    assert [plan.suite for plan in plans] == suites
    assert all(dict(plan.tags) == {"night": "1"} for plan in plans)
    assert {plan.isolation for plan in plans} == {"process"}


def test_each_of_several_targets_is_measured_and_has_ceilings_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jaxrig.toml").write_text('[targets.cpu-b]\nextends = "cpu"\n')
    monkeypatch.chdir(tmp_path)
    words = ("run", "--suite", "standard", "--target", "cpu-*", "--target", "cpu")
    before, asked = _plans(_parser().parse_args(words))
    assert [(plan.target_name, plan.suite) for plan in before] == [
        ("cpu-b", "ceilings"),
        ("cpu", "ceilings"),
    ]
    assert [(plan.target_name, plan.suite) for plan in asked] == [
        ("cpu-b", "standard"),
        ("cpu", "standard"),
    ]


def test_of_several_targets_a_ceiling_that_cannot_be_measured_ends_nothing_and_the_code_is_5(
    jaxrig: Jaxrig, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it take the place of what a case that failed is told with, but goes before it."""
    (tmp_path / "jaxrig.toml").write_text('[targets.cpu-b]\nextends = "cpu"\n')
    asked: list[list[tuple[str, str]]] = []

    def measured(plans: Sequence[Plan], db: str, err: TextIO) -> list[Result]:
        asked.append([(plan.target_name, plan.suite) for plan in plans])
        return [
            of_plan(store, plan, "no GPU" if plan.target_name == "cpu-b" else "") for plan in plans
        ]

    monkeypatch.setattr(run, "measured_in_turns", measured)
    done = jaxrig("run", "--suite", "standard", "--target", "cpu*")
    assert asked == [
        [("cpu", "ceilings")],
        [("cpu-b", "ceilings")],
        [("cpu", "standard"), ("cpu-b", "standard")],
    ]
    assert done.code == 5
    assert "2 of 4 runs could not be measured here" in done.err


def of_plan(store: Store, plan: Plan, amiss: str) -> Result:
    """One whose only case fails, or that could not be measured."""
    failures = [(None, "environment", amiss)] if amiss else [(B, "raised", "boom")]
    name = add_run(store, {}, target=plan.target_name, suite=plan.suite, failures=failures)
    return Result(name=name, failures=1, measurements=0, skipped={}, amiss=amiss)


def test_cases_are_tests_of_junit_s(
    jaxrig: Jaxrig, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the ceilings before them, too. What is measured is given."""
    results = [
        Result(
            name=add_run(store, {A: [1.0]}, suite="ceilings"),
            failures=0,
            measurements=1,
            skipped={},
        ),
        Result(
            name=add_run(store, {A: [1.0]}, failures=[(B, "raised", "boom")]),
            failures=1,
            measurements=1,
            skipped={},
        ),
    ]
    monkeypatch.setattr(run, "measured", lambda *_: results)
    assert jaxrig("run", "--junit", "junit.xml").code == 4
    suites = parsed((tmp_path / "junit.xml").read_text())
    assert [each.get("name") for each in suites] == ["jaxrig run: ceilings", "jaxrig run: quick"]
    cases = {each.get("name"): each.find("failure") is not None for each in suites[1]}
    assert cases == {A: False, B: True}
