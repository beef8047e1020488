"""`jaxrig ab` from its words to its exit code; what is measured is given."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli import dispatch
from harness.plan import PairPlan
from harness.runner import pairs as runner
from harness.runner.pairs import Judge, PairsResult, Turned
from tests.harness.samples import A, B
from tests.harness.test_ab import turned

CASES = ("--case", A, "--case", B)

Ab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def plans() -> list[PairPlan]:
    """Those that were measured."""
    return []


@pytest.fixture
def ab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plans: list[PairPlan]) -> Ab:
    monkeypatch.chdir(tmp_path)

    def call(*words: str, found: Sequence[Turned] = (), failures: int = 0) -> tuple[int, str, str]:
        def execute(plan: PairPlan, store: Any, progress: Any, judge: Judge) -> PairsResult:
            plans.append(plan)
            return PairsResult(
                base="one", candidate="other", turned=tuple(found), failures=failures, skipped={}
            )

        monkeypatch.setattr(runner, "execute_pairs", execute)
        out, err = io.StringIO(), io.StringIO()
        code = dispatch(("ab", "cpu", "cpu", *CASES, *words), out, err)
        return code, out.getvalue(), err.getvalue()

    return call


SAME, SLOWER, FASTER = 1.0, 1.1, 0.9


@pytest.mark.parametrize(
    ("ratios", "pairs", "failures", "code", "says"),
    [
        ((SAME, SAME), 7, 0, 0, ""),
        ((SAME, FASTER), 7, 0, 0, ""),
        ((SAME, SLOWER), 7, 0, 1, f"slower, and confirmed in new containers: {B} (time)"),
        ((SAME, SLOWER), 7, 1, 1, "slower"),
        ((SAME, SLOWER), 4, 0, 0, ""),  # not confirmed
        ((SAME, SAME), 3, 0, 3, "no case has 4 launch pairs"),
        ((SAME, SAME), 7, 2, 4, "2 failure(s); see `jaxrig show other --log`"),
    ],
)
def test_the_exit_code_is_the_verdict(
    ab: Ab, ratios: tuple[float, float], pairs: int, failures: int, code: int, says: str
) -> None:
    found = [
        each
        for case, ratio in zip((A, B), ratios, strict=True)
        for each in turned(case, pairs, ratio)
    ]
    ended = ab(found=found, failures=failures)
    assert ended[0] == code
    assert says in ended[2]
    assert A in ended[1]


def test_json_is_one_object_with_the_promised_keys(ab: Ab) -> None:
    _, out, _ = ab("--format", "json", found=[*turned(A, 7, SLOWER), *turned(B, 7, SAME)])
    document = json.loads(out)
    assert (document["base"], document["candidate"]) == ("one", "other")
    assert document["verdict"] == "slower"
    promised = {"case", "metric", "ratio", "low", "high", "verdict", "pairs"}
    assert all(promised <= set(each) for each in document["cases"])


def test_budgets_floors_and_tags_reach_the_plan(
    ab: Ab, plans: list[PairPlan], tmp_path: Path
) -> None:
    (tmp_path / "jaxrig.toml").write_text('[floors]\n"*" = 0.2\n')
    words = ("--max-pairs", "9", "--max-time", "60", "--tag", "pr=7", "--isolation", "process")
    code, out, _ = ab(*words, found=[*turned(A, 9, SLOWER), *turned(B, 9, SAME)])
    (plan,) = plans
    assert (plan.pairs, plan.budget_s, plan.cases) == (9, 60, (A, B))
    assert (dict(plan.base.tags), plan.candidate.isolation) == ({"pr": "7"}, "process")
    assert code == 0, out  # 10 % is within the floor


@pytest.mark.parametrize("words", [("--max-pairs", "0"), ("--max-time", "x"), ("--suite", "none")])
def test_wrong_words_are_a_usage_error(ab: Ab, words: tuple[str, str]) -> None:
    assert ab(*words)[0] == 2
