"""Two stored runs: what both hold is compared, the rest is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.compare import ACROSS, IN_TURNS, OTHER_WORK, Comparison, Side, compare
from harness.config import DEFAULT_FLOOR
from harness.store.pairings import Pairing
from harness.store.reader import Launch, Run
from tests.harness.history import A_RUN

BASE = replace(A_RUN, run="base")
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


Medians = dict[str, list[float]]


def frame(medians: Medians, **changes: Any) -> pd.DataFrame:
    """A row a launch."""
    facts = {"parameters": {"m": 1}, "hlo_sha256": "0"}
    rows = [
        {"case": case, "workload": case[0], "median_s": median} | facts | changes
        for case, row in medians.items()
        for median in row
    ]
    return pd.DataFrame(rows, columns=["case", "workload", "median_s", *facts])


def past(*runs: Medians) -> pd.DataFrame:
    """A history in which nothing changed, a day between its runs."""
    rows = [
        {
            "run": f"past{number}",
            "started_at": BASE.started_at + timedelta(days=number),
            "case": case,
            "median_s": median,
        }
        for number, run in enumerate(runs)
        for case, launches in run.items()
        for median in launches
    ]
    texts = "target suite image source environment limits env parameters hlo_sha256"
    columns = ["run", "started_at", "case", "median_s"]
    return pd.DataFrame(rows, columns=columns).assign(**dict.fromkeys(texts.split(" "), "x"))


STEADY = past(
    *({"a": [1.0 + luck] * 3, "b": [1.0 - luck] * 3} for luck in (0, 1e-3, 2e-3, 0, 1e-3))
)
LOUD = past(*({"a": [1.0 + luck] * 3, "b": [1.0 - luck] * 3} for luck in (0, 0.2, 0.4, 0, 0.2)))
NONE = past()


def side(
    run: Run,
    measurements: pd.DataFrame,
    *launches: Launch,
    history: pd.DataFrame = NONE,
    **facts: Any,
) -> Side:
    return Side(run=run, measurements=measurements, launches=launches, history=history, **facts)


def judged(base: Side, candidate: Side, floor: float = DEFAULT_FLOOR) -> Comparison:
    return compare(base, candidate, lambda _: floor)


def compared(
    base: Medians, candidate: Medians, history: pd.DataFrame = NONE, **change: Any
) -> Comparison:
    other = replace(CANDIDATE, **change)
    return judged(
        side(BASE, frame(base), history=history), side(other, frame(candidate), history=history)
    )


def test_the_ratio_is_of_geometric_means_and_needs_a_history_for_its_interval() -> None:
    (case,) = compared({"a": [1.0, 2.0, 4.0]}, {"a": [3.0, 6.0, 12.0]}).cases
    assert case.ratio == pytest.approx(3.0)
    assert (case.low, case.high) == (None, None)
    assert (case.base_median_s, case.candidate_median_s) == (2.0, 6.0)
    assert (case.presence, case.metric, case.workload) == ("both", "time", "a")
    assert case.verdict == "unclear"
    assert case.settle == "spread between runs unknown; would tell: 4 more run(s) of cpu as it is"


@pytest.mark.parametrize(
    ("times", "verdict"), [(1.1, "slower"), (0.9, "faster"), (1.001, "same"), (1.019, "unclear")]
)
def test_a_steady_machine_s_history_decides(times: float, verdict: str) -> None:
    comparison = compared({"a": [1.0] * 3}, {"a": [times] * 3}, STEADY)
    (case,) = comparison.cases
    assert (case.verdict, comparison.verdict) == (verdict, verdict)
    assert case.low is not None
    assert case.high is not None
    assert case.low < times < case.high
    assert (case.settle is None) == (verdict != "unclear")
    assert comparison.regressions == (("a",) if verdict == "slower" else ())


def test_a_machine_whose_runs_scatter_allows_no_claim_and_turns_would_settle_it() -> None:
    comparison = compared({"a": [1.0] * 3}, {"a": [1.1] * 3}, LOUD, target="mine")
    assert comparison.cases[0].verdict == "unclear"
    assert comparison.cases[0].settle == IN_TURNS
    assert comparison.in_turns == ("ab", "cpu", "mine", "--suite", "quick")
    some = compared(
        {"a": [1.0] * 3, "b": [1.0] * 3}, {"a": [1.1] * 3, "b": [9.0] * 3}, LOUD, target="mine"
    )
    assert some.in_turns == ("ab", "cpu", "mine", "--suite", "quick", "--case", "a")
    assert (some.verdict, some.regressions) == ("slower", ("b",))


def test_of_one_target_the_images_of_then_can_be_measured_in_turns() -> None:
    images = ["sha256:" + digit * 64 for digit in "ab"]
    base, candidate = (
        side(replace(run, image=image), frame({"a": [x] * 3}), history=LOUD)
        for run, image, x in zip((BASE, CANDIDATE), images, (1.0, 1.1), strict=True)
    )
    assert judged(base, candidate).in_turns == (
        *("ab", "cpu@sha256:aaaaaaaaaaaa", "cpu@sha256:bbbbbbbbbbbb", "--suite", "quick"),
    )


def test_one_image_is_not_measured_in_turns_with_itself_nor_one_s_own_unfound() -> None:
    assert compared({"a": [1.0] * 3}, {"a": [1.1] * 3}, LOUD).in_turns == ()
    assert (
        judged(
            side(replace(BASE, suite="own:x"), frame({"a": [1.0]})),
            side(replace(CANDIDATE, target="mine", suite="own:x"), frame({"a": [1.0]})),
        ).in_turns
        == ()
    )


def test_the_floor_is_the_case_s_own() -> None:
    base, candidate = (
        side(run, frame({"a": [x] * 3, "b": [x] * 3}), history=STEADY)
        for run, x in ((BASE, 1.0), (CANDIDATE, 1.1))
    )
    found = compare(base, candidate, {"a": 0.02, "b": 0.2}.__getitem__)
    assert [each.verdict for each in found.cases] == ["slower", "same"]


def test_the_compared_runs_are_no_history_of_their_own() -> None:
    """They would widen what they are judged by; what their launches scatter may be known."""
    compared_too = STEADY.copy()
    compared_too["run"] = compared_too["run"].replace({"past3": "base", "past4": "candidate"})
    compared_too.loc[compared_too["run"] == "candidate", "median_s"] = 9.0
    (case,) = compared({"a": [1.0] * 3}, {"a": [9.0] * 3}, compared_too).cases
    assert case.settle == "spread between runs unknown; would tell: 1 more run(s) of cpu as it is"


def test_what_changed_within_the_history_is_no_spread() -> None:
    changed = LOUD.assign(image=["x" if row < 6 else "y" for row in range(len(LOUD))])
    groups = pd.concat([STEADY, changed.assign(run="other" + changed["run"], image=changed["run"])])
    alone, among = (
        compared({"a": [1.0] * 3}, {"a": [1.1] * 3}, history).cases[0]
        for history in (STEADY, groups)
    )
    assert (among.low, among.high) == (alone.low, alone.high)


def test_across_machines_facts_come_first_and_nothing_is_a_regression() -> None:
    facts = {"cpu_model": "A", "memory_gib": 8, "gpus": []}
    other = {"cpu_model": "B", "memory_gib": 8, "gpus": [{"model": "G", "memory_bytes": 1}]}
    before = {"a1": [1.0] * 3, "a2": [1.0] * 3}
    after = {"a1": [2.0] * 3, "a2": [8.0] * 3}
    histories = [
        past(*({"a1": [x] * 3, "a2": [x] * 3} for x in (1.0, 1.0 + luck, 1.0, 1.0 + luck)))
        for luck in (1e-3, 2e-3)
    ]
    comparison = judged(
        side(BASE, frame(before), history=histories[0], machine=facts),
        side(
            replace(CANDIDATE, machine="m2", image=None),
            frame(after),
            history=histories[1],
            machine=other,
        ),
    )
    assert comparison.differences == (
        "machine: m1 → m2",
        "machine.cpu_model: A → B",
        "machine.gpus: none → model G memory_bytes 1",
        "image: sha256:aaaaaaaaaaaa → none",
    )
    assert [each.verdict for each in comparison.cases] == ["slower", "slower"]
    assert (comparison.regressions, comparison.alike, comparison.in_turns) == ((), False, ())
    (workload,) = comparison.workloads
    assert (workload.workload, workload.cases) == ("a", 2)
    assert workload.ratio == pytest.approx(4.0)
    ends = [(case.low, case.high) for case in comparison.cases]
    assert None not in {end for pair in ends for end in pair}
    lows, highs = zip(*ends, strict=True)
    assert workload.low == pytest.approx(np.sqrt(np.prod(lows)))
    assert workload.high == pytest.approx(np.sqrt(np.prod(highs)))


def test_across_machines_each_one_s_history_counts() -> None:
    def verdict(history: pd.DataFrame, other: pd.DataFrame) -> tuple[str, str | None]:
        comparison = judged(
            side(BASE, frame({"a": [1.0] * 3}), history=history),
            side(replace(CANDIDATE, machine="m2"), frame({"a": [1.1] * 3}), history=other),
        )
        return comparison.cases[0].verdict, comparison.cases[0].settle

    assert verdict(STEADY, STEADY) == ("slower", None)
    assert verdict(STEADY, LOUD) == verdict(LOUD, STEADY) == ("unclear", ACROSS)
    assert verdict(STEADY, NONE)[1] == (
        "spread between runs unknown; would tell: 4 more run(s) of cpu as it is (container on m2)"
    )


@pytest.mark.parametrize("unlike", [{"platform": "cuda"}, {"isolation": "process"}])
def test_another_platform_or_isolation_is_no_regression(unlike: dict[str, Any]) -> None:
    comparison = compared({"a": [1.0] * 3}, {"a": [2.0] * 3}, STEADY, **unlike)
    assert comparison.cases[0].verdict == "slower"
    assert comparison.regressions == ()


def test_runs_that_did_not_end_well_or_were_measured_in_turns_are_named() -> None:
    pairing = Pairing(base="other", candidate="candidate", rounds=1, rule={}, verdicts=())
    comparison = judged(
        side(replace(BASE, status="interrupted", failures=2, measurements=1), frame({"a": [1.0]})),
        side(CANDIDATE, frame({"a": [1.0]}), pairings=[pairing]),
    )
    assert comparison.notes == (
        "the base was interrupted: 2 failure(s), 1 measurement(s); see `jaxrig show base`",
        "the candidate was measured in turns with other: unlike a run by itself",
    )


def test_a_case_that_is_gone_cannot_pass_silently() -> None:
    comparison = compared({"a": [1.0] * 3, "old": [1.0]}, {"a": [1.0] * 3, "new": [1.0]}, STEADY)
    assert comparison.notes == (
        "1 case(s) only in the base: old",
        "1 case(s) only in the candidate: new",
    )
    assert (comparison.cases[0].verdict, comparison.verdict) == ("same", "unclear")
    grown = compared({"a": [1.0] * 3}, {"a": [1.0] * 3, "new": [1.0]}, STEADY)
    assert grown.verdict == "same"


def test_runs_further_apart_than_history_reaches_carry_a_warning() -> None:
    def notes(days: int) -> tuple[str, ...]:
        later = BASE.started_at + timedelta(days=days)
        return compared({"a": [1.0] * 3}, {"a": [1.0] * 3}, STEADY, started_at=later).notes

    assert notes(4) == ()
    assert notes(5) == (
        (
            "the runs lie 5 days, 0:00:00 apart, and nothing stayed unchanged for longer than "
            "4 days, 0:00:00: a drift slower than that is not in the spread"
        ),
    )


def test_cases_in_one_run_only_are_named_and_have_no_ratio() -> None:
    comparison = compared({"old": [1.0], "both": [1.0]}, {"both": [1.0], "new": [2.0]})
    found = {each.case: each.presence for each in comparison.cases}
    assert found == {"old": "removed", "both": "both", "new": "added"}
    removed, _, added = comparison.cases
    assert (removed.ratio, removed.base_median_s, removed.candidate_median_s) == (None, 1.0, None)
    assert (added.ratio, added.base_median_s, added.candidate_median_s) == (None, None, 2.0)


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
    comparison = judged(side(BASE, frame({})), side(replace(CANDIDATE, **change), frame({})))
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
    comparison = judged(
        side(BASE, frame({}), UNSAID, LAUNCH), side(CANDIDATE, frame({}), other, LAUNCH)
    )
    assert comparison.differences == tuple(differences)


def test_of_a_run_whose_launches_said_nothing_no_surroundings_are_claimed() -> None:
    comparison = judged(side(BASE, frame({}), UNSAID), side(CANDIDATE, frame({}), LAUNCH))
    assert comparison.differences == ()


def test_other_work_has_no_verdict_and_other_code_is_told() -> None:
    base = side(BASE, frame({"a": [1.0] * 3}), history=STEADY)
    other = frame({"a": [2.0] * 3}, parameters={"m": 2}, hlo_sha256="1")
    comparison = judged(base, side(CANDIDATE, other))
    (case,) = comparison.cases
    assert case.differences == (
        "parameters: {'m': 1} → {'m': 2}",
        "other compiled code (HLO)",
    )
    assert (case.ratio, case.low, case.verdict, case.settle) == (2.0, None, "unclear", OTHER_WORK)
    assert comparison.workloads == ()
    code = frame({"a": [2.0] * 3}, hlo_sha256="1")
    (case,) = judged(base, side(CANDIDATE, code)).cases
    assert (case.differences, case.verdict) == (("other compiled code (HLO)",), "slower")
