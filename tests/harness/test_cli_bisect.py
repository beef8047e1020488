"""`jaxrig bisect` from its words to its exit code; what is measured is given."""

import json
import subprocess
from pathlib import Path

import pytest

from harness.course import Decision, Step
from harness.runner.bisecting import InTurns
from tests.harness.called import Jaxrig
from tests.harness.courses import decision
from tests.harness.samples import A

CULPRIT = 4
TOML = """
[targets.mine]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
requirements = "cpu.requirements.txt"
project = "."
"""
LOG = "bisect-matmul-256-f32.jsonl"


def git(*words: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def hashes(jaxrig: Jaxrig) -> list[str]:
    """Of eight commits, in the folder where jaxrig is called."""
    Path("jaxrig.toml").write_text(TOML)
    git("init", "-q")
    found = []
    for number in range(8):
        git("commit", "-q", "--allow-empty", "-m", f"commit {number}")
        found.append(git("rev-parse", "HEAD"))
    return found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, hashes: list[str]) -> list[Step]:
    """Those that were measured."""
    found: list[Step] = []

    def measure(turns: InTurns, step: Step) -> Decision:
        found.append(step)
        revision, against = (hashes.index(each) for each in (step.revision, step.against))
        plan = turns.plan(step, 5)
        assert (plan.base.revision, plan.candidate.revision) == (step.against, step.revision)
        assert (plan.pairs, plan.base.cases, dict(plan.base.tags)) == (5, (A,), {"pr": "7"})
        slower = against < CULPRIT <= revision
        return decision(step, "slower" if slower else "same", same_code=not slower)

    monkeypatch.setattr(InTurns, "measure", measure)
    return found


@pytest.fixture
def words(hashes: list[str]) -> tuple[str, ...]:
    return ("bisect", A, "--target", "mine", "--good", hashes[0], "--bad", "HEAD", "--tag", "pr=7")


def test_the_first_bad_commit_is_told_with_its_change(
    jaxrig: Jaxrig, steps: list[Step], words: tuple[str, ...], hashes: list[str]
) -> None:
    code, out, err = jaxrig(*words)
    assert code == 0, err
    first = hashes[CULPRIT]
    assert f"first bad: {first[:12]} of 20" in out
    assert f": commit {CULPRIT}\n" in out
    before = hashes[CULPRIT - 1][:12]
    assert f"slower: 1.500 (1.400 … 1.600) of the time of {before}, 7 pairs" in out
    assert "other code (HLO)" in out
    assert f"{first} is bad (slower)" in err
    assert steps[0] == Step(revision=hashes[-1], against=hashes[0])


def test_a_second_call_measures_nothing_and_says_the_same(
    jaxrig: Jaxrig, steps: list[Step], words: tuple[str, ...]
) -> None:
    first = jaxrig(*words, "--format", "json")
    measured = len(steps)
    again = jaxrig(*words, "--format", "json")
    assert (again.out, len(steps)) == (first.out, measured)
    assert "already; going on from there" in again.err
    assert jaxrig("bisect", "--replay", LOG, "--format", "json").out == first.out


def test_json_has_what_scripts_rely_on(
    jaxrig: Jaxrig, steps: list[Step], words: tuple[str, ...], hashes: list[str]
) -> None:
    document = json.loads(jaxrig(*words, "--format", "json").out)
    assert (document["case"], document["target"]) == (A, "mine")
    assert (document["good"], document["bad"]) == (hashes[0], hashes[-1])
    assert (document["status"], document["left"]) == ("found", [hashes[CULPRIT]])
    assert document["first_bad"]["revision"] == hashes[CULPRIT]
    assert document["first_bad"]["subject"] == f"commit {CULPRIT}"
    assert document["first_bad"]["author_date"][:2] == "20"
    assert document["hlo_changed"] is True
    assert document["change"] == {
        "against": hashes[CULPRIT - 1],
        "ratio": 1.5,
        "low": 1.4,
        "high": 1.6,
        "outcome": "slower",
        "pairs": 7,
    }
    last = document["steps"][-1]
    assert (last["revision"], last["against"]) == (hashes[CULPRIT], hashes[CULPRIT - 1])
    assert (last["finding"], last["base"], last["candidate"]) == ("bad", "one", "other")


def test_other_formats_have_a_row_for_each_step(
    jaxrig: Jaxrig, steps: list[Step], words: tuple[str, ...]
) -> None:
    header, *rows = jaxrig(*words, "--format", "csv").out.splitlines()
    assert header.startswith("revision,against,outcome,ratio,low,high,pairs")
    assert len(rows) == len(steps)
    assert jaxrig(*words, "--format", "md").out.count("| commit ") == len(steps)


def test_what_had_to_be_skipped_may_hide_it(
    jaxrig: Jaxrig,
    steps: list[Step],
    words: tuple[str, ...],
    hashes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure = InTurns.measure

    def builds_seldom(turns: InTurns, step: Step) -> Decision:
        if step.revision in hashes[CULPRIT - 1 : CULPRIT + 1]:
            return decision(step, "not_built", reason="no wheel\nof it")
        return measure(turns, step)

    monkeypatch.setattr(InTurns, "measure", builds_seldom)
    code, out, err = jaxrig(*words)
    assert code == 3
    assert "the first bad one is one of 3, of which all but the last had to be skipped" in out
    assert f"skipped: {hashes[CULPRIT][:12]}: not built: no wheel\n" in out
    assert "3 revisions are left" in err
    assert jaxrig("bisect", "--replay", LOG).code == 0
    document = json.loads(jaxrig("bisect", "--replay", LOG, "--format", "json").out)
    assert (document["status"], document["first_bad"], document["change"]) == ("hidden", None, None)
    assert document["left"] == hashes[CULPRIT - 1 : CULPRIT + 2]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((A, "--good", "HEAD~1"), "bisect wants CASE, --good REV and --bad REV"),
        ((), "bisect wants CASE"),
        ((A, "--replay", "x"), "--replay FILE measures nothing"),
        (("--replay", "x"), "x is no log of `jaxrig bisect`: No such file"),
        ((A, "--good", "HEAD~1", "--bad", "HEAD"), "target cpu names no project"),
        (("matmul/*", "--target", "mine", "--good", "HEAD~1", "--bad", "HEAD"), "of one case"),
        ((A, "--target", "mine", "--good", "HEAD", "--bad", "HEAD~1"), "does not build on"),
        ((A, "--target", "mine", "--good", "no", "--bad", "HEAD"), "knows no revision 'no'"),
        (
            (A, "--target", "mine", "--good", f"sha256:{'a' * 12}", "--bad", "HEAD"),
            "are revisions of the target's project",
        ),
    ],
)
def test_wrong_words_are_a_usage_error(
    jaxrig: Jaxrig, hashes: list[str], words: tuple[str, ...], complaint: str
) -> None:
    code, _, err = jaxrig("bisect", *words)
    assert code == 2
    assert complaint in err
    assert not Path(LOG).exists()


def test_another_question_in_the_same_log_is_refused(
    jaxrig: Jaxrig, steps: list[Step], words: tuple[str, ...], hashes: list[str]
) -> None:
    assert jaxrig(*words).code == 0
    other = [hashes[1] if each == hashes[0] else each for each in words]
    code, _, err = jaxrig(*other)
    assert code == 2
    assert f"{LOG} is the log of another question (good, revisions)" in err
    assert jaxrig(*other, "--log", "other.jsonl").code == 0
