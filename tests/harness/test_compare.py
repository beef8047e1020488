"""Two stored runs: what both hold is compared, the rest is named."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from harness.compare import Comparison, Side, compare
from harness.store.reader import Launch, Run

BASE = Run(
    run="base",
    status="done",
    target="cpu",
    platform="cpu",
    isolation="container",
    machine="m1",
    image="sha256:" + "a" * 64,
    suite="quick",
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ended_at=None,
    measurements=0,
    failures=0,
    skipped=0,
    launches_planned=3,
    tags={},
    git_commit=None,
    git_dirty=None,
    jaxrig_version="0.1.0",
)
CANDIDATE = replace(BASE, run="candidate")
LAUNCH = Launch(
    launch=0,
    part=0,
    status="done",
    exit_code=0,
    limits={"cpus": "0-1", "pids": 64},
    env={"XLA_FLAGS": "--a"},
    environment={"jax": "0.12.0", "packages": {"numpy": "2.0", "jaxlib": "0.12.0"}},
    noise=None,
    log=None,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ended_at=None,
)
UNSAID = replace(LAUNCH, environment=None)


def frame(medians: dict[str, list[float]], **changes: Any) -> pd.DataFrame:
    """A row a launch."""
    rows = [
        {"case": case, "median_s": median, "parameters": {"m": 1}, "hlo_sha256": "0"} | changes
        for case, row in medians.items()
        for median in row
    ]
    return pd.DataFrame(rows, columns=["case", "median_s", "parameters", "hlo_sha256"])


def side(run: Run, measurements: pd.DataFrame, *launches: Launch) -> Side:
    return Side(run=run, measurements=measurements, launches=launches)


def compared(base: dict[str, list[float]], candidate: dict[str, list[float]]) -> Comparison:
    return compare(side(BASE, frame(base)), side(CANDIDATE, frame(candidate)))


def test_the_ratio_is_of_the_medians_of_launch_medians() -> None:
    (case,) = compared({"a": [1.0, 2.0, 3.0]}, {"a": [3.0, 6.0, 9.0]}).cases
    assert case.ratio is not None
    assert (case.ratio.ratio, case.ratio.low, case.ratio.high) == (3.0, 1.0, 9.0)
    assert (case.base_median_s, case.candidate_median_s) == (2.0, 6.0)
    assert (case.presence, case.metric) == ("both", "time")


def test_cases_in_one_run_only_are_named_and_have_no_ratio() -> None:
    comparison = compared({"old": [1.0], "both": [1.0]}, {"both": [1.0], "new": [2.0]})
    found = {each.case: each.presence for each in comparison.cases}
    assert found == {"old": "removed", "both": "both", "new": "added"}
    removed, _, added = comparison.cases
    assert (removed.ratio, removed.base_median_s, removed.candidate_median_s) == (None, 1.0, None)
    assert (added.ratio, added.base_median_s, added.candidate_median_s) == (None, None, 2.0)


def test_runs_that_were_not_measured_in_turns_allow_no_claim() -> None:
    comparison = compared({"a": [1.0] * 9}, {"a": [50.0] * 9})
    assert comparison.cases[0].verdict == "unclear"
    assert comparison.verdict == "unclear"


def test_empty_runs_can_be_compared() -> None:
    comparison = compared({}, {})
    assert comparison.cases == ()
    assert comparison.verdict == "unclear"
    assert [each.presence for each in compared({}, {"a": [1.0]}).cases] == ["added"]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"machine": "m2"}, "machine: m1 → m2"),
        ({"platform": "cuda"}, "platform: cpu → cuda"),
        ({"isolation": "process"}, "isolation: container → process"),
        ({"target": "mine"}, "target: cpu → mine"),
        ({"image": None}, "image: sha256:aaaaaaaaaaaa → none"),
        ({"suite": "full"}, "suite: quick → full"),
        ({"jaxrig_version": "0.2.0"}, "jaxrig_version: 0.1.0 → 0.2.0"),
        ({"tags": {"a": "b"}}, None),
    ],
)
def test_what_makes_two_runs_unlike_is_listed(
    change: dict[str, Any], difference: str | None
) -> None:
    comparison = compare(side(BASE, frame({})), side(replace(CANDIDATE, **change), frame({})))
    assert comparison.differences == ((difference,) if difference else ())


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        ({"limits": {"cpus": "0-3", "pids": 64}}, ["limits.cpus: 0-1 → 0-3"]),
        ({"env": {}}, ["env.XLA_FLAGS: --a → none"]),
        ({"env": {"XLA_FLAGS": "--b"}}, ["env.XLA_FLAGS: --a → --b"]),
        (
            {"environment": {"jax": "0.13.0", "packages": {"jaxlib": "0.13.0", "new": "1"}}},
            [
                "jax: 0.12.0 → 0.13.0",
                "packages.jaxlib: 0.12.0 → 0.13.0",
                "packages.new: none → 1",
                "packages.numpy: 2.0 → none",
            ],
        ),
        ({"log": "other", "exit_code": 1, "noise": {"load_before": 9}}, []),
    ],
)
def test_unlike_limits_variables_and_software_are_listed(
    change: dict[str, Any], differences: list[str]
) -> None:
    other = replace(LAUNCH, **change)
    comparison = compare(
        side(BASE, frame({}), UNSAID, LAUNCH), side(CANDIDATE, frame({}), other, LAUNCH)
    )
    assert comparison.differences == tuple(differences)


def test_of_a_run_whose_launches_said_nothing_no_surroundings_are_claimed() -> None:
    comparison = compare(side(BASE, frame({}), UNSAID), side(CANDIDATE, frame({}), LAUNCH))
    assert comparison.differences == ()


def test_other_parameters_and_other_compiled_code_are_told() -> None:
    base = frame({"a": [1.0]})
    other = frame({"a": [1.0]}, parameters={"m": 2}, hlo_sha256="1")
    (case,) = compare(side(BASE, base), side(CANDIDATE, other)).cases
    assert case.differences == (
        "parameters: {'m': 1} → {'m': 2}",
        "other compiled code (HLO)",
    )
    (same,) = compare(side(BASE, base), side(CANDIDATE, base)).cases
    assert same.differences == ()
