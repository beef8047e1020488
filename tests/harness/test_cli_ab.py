"""`jaxrig ab` from its words to its exit code; what is measured is given."""

import io
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import dispatch
from harness.plan import PairPlan
from harness.runner import pairs as runner
from harness.runner.pairs import MakeJudge, PairsResult, Turned
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.parsed import parsed
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

    def call(
        *words: str,
        found: Sequence[Turned] = (),
        failures: int = 0,
        sides: tuple[str, str] = ("cpu", "cpu"),
        chosen: tuple[str, ...] = CASES,
        **changes: Any,
    ) -> tuple[int, str, str]:
        def execute(plan: PairPlan, store: Any, progress: Any, judge: MakeJudge) -> PairsResult:
            plans.append(plan)
            result = PairsResult(
                base="one",
                candidate="other",
                pairing=1,
                cases=plan.base.cases,
                others={},
                turned=tuple(found),
                failures=failures,
                skipped={},
                same_image=False,
            )
            return replace(result, **changes)

        monkeypatch.setattr(runner, "execute_pairs", execute)
        out, err = io.StringIO(), io.StringIO()
        code = dispatch(("ab", *sides, *chosen, *words), out, err)
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


def test_cases_are_tests_of_junit_s(ab: Ab, store: Store, tmp_path: Path) -> None:
    failed = add_run(store, {A: [1.0]}, failures=[(B, "crashed", "exit code 139")])
    found = turned(A, 7, SLOWER)
    code, _, err = ab(
        "--junit", "junit.xml", found=found, failures=1, base=failed, candidate=failed
    )
    cases = parsed((tmp_path / "junit.xml").read_text()).iter("testcase")
    assert {each.get("name"): each.find("failure") is not None for each in cases} == {
        A: True,
        B: True,
    }
    assert (code, "slower" in err) == (1, True)


def test_budgets_floors_and_tags_reach_the_plan(
    ab: Ab, plans: list[PairPlan], tmp_path: Path
) -> None:
    (tmp_path / "jaxrig.toml").write_text('[floors]\n"*" = 0.2\n')
    words = ("--max-pairs", "9", "--max-time", "60", "--tag", "pr=7", "--isolation", "process")
    code, out, _ = ab(*words, found=[*turned(A, 9, SLOWER), *turned(B, 9, SAME)])
    (plan,) = plans
    assert (plan.pairs, plan.budget_s, plan.base.cases) == (9, 60, (A, B))
    assert (dict(plan.base.tags), plan.candidate.isolation) == ({"pr": "7"}, "process")
    assert code == 0, out  # 10 % is within the floor


@pytest.mark.parametrize("words", [("--max-pairs", "0"), ("--max-time", "x"), ("--suite", "none")])
def test_wrong_words_are_a_usage_error(ab: Ab, words: tuple[str, str]) -> None:
    assert ab(*words)[0] == 2


def test_what_one_side_lacks_is_told_and_decides_nothing(ab: Ab) -> None:
    others = {"matmul/1/f32": "added", "matmul/2/f32": "removed", "matmul/3/f32": "changed"}
    found = [*turned(A, 7, SAME), *turned(B, 7, SAME)]
    code, out, _ = ab(found=found, others=others, same_image=True, skipped={A: "no room"})
    assert code == 0
    assert "removed: matmul/2/f32" in out
    assert "one and the same image" in out
    assert f"skipped: {A}: no room" in out
    _, out, _ = ab("--format", "json", found=found, others=others)
    document = json.loads(out)
    presence = {each["case"]: each["presence"] for each in document["cases"]}
    assert presence == {A: "both", B: "both", **others}
    assert document["verdict"] == "same"


def test_github_gets_a_summary_and_an_annotation(
    ab: Ab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [*turned(A, 7, SLOWER), *turned(B, 7, SAME)]
    assert "::error" not in ab(found=found)[2]
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    code, out, err = ab("--format", "json", found=found, others={"matmul/2/f32": "removed"})
    assert code == 1
    assert json.loads(out)["verdict"] == "slower"  # nothing else on stdout
    assert f"::error title=jaxrig%3A slower::{A}: time +10.0%25" in err
    assert "::warning title=jaxrig%3A case removed::matmul/2/f32" in err
    text = summary.read_text()
    assert text.startswith("before\n### jaxrig\n")
    assert f"| {A} " in text
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert ab(found=found)[0] == 1


def test_a_side_may_be_a_revision_or_an_image(
    ab: Ab, plans: list[PairPlan], tmp_path: Path
) -> None:
    (tmp_path / "jaxrig.toml").write_text(PROJECT)
    git = ("git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    found = turned(A, 7, SAME)
    image = "sha256:" + "a1" * 32
    assert ab(found=found, sides=("mine@HEAD", f"mine@{image}"))[0] == 0
    (plan,) = plans
    assert (plan.base.target_name, plan.candidate.target_name) == ("mine", "mine")
    assert plan.base.target.project == tmp_path
    assert plan.base.revision is not None
    assert len(plan.base.revision) == 40
    assert (plan.base.image, plan.candidate.image) == (None, image)
    code, _, err = ab(sides=("cpu@HEAD", "cpu"))
    assert code == 2
    assert "target cpu names no project" in err
    code, _, err = ab(sides=("mine@nowhere", "mine"))
    assert code == 2
    assert "knows no revision 'nowhere'" in err


PROJECT = """
[targets.mine]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
requirements = "cpu.requirements.txt"
project = "."
"""


def test_a_side_may_be_a_version_of_jax(ab: Ab, plans: list[PairPlan]) -> None:
    assert ab(found=turned(A, 7, SAME), sides=("cpu@jax==0.9.2", "cpu"))[0] == 0
    (plan,) = plans
    assert (plan.base.target.jax, plan.candidate.target.jax) == ("0.9.2", None)


def test_one_s_own_suite_has_no_cases_yet(ab: Ab, plans: list[PairPlan], tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("")
    words = ("--workloads", "test_own.py")
    assert ab(*words, chosen=(), cases=(A,), found=turned(A, 7, SAME))[0] == 0
    (plan,) = plans
    assert (plan.base.suite, plan.rounds) == (f"own:{tmp_path.name}/test_own.py", 0)
    assert ab(*words, "--suite", "quick", chosen=())[0] == 2
