"""`jaxrig nightly` from its words to its exit code; the pairs are given, the database is real."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from containers.images import Image
from containers.process_engine import ProcessEngine
from harness.cli import dispatch
from harness.machine import this_machine
from harness.plan import PairPlan
from harness.runner import lock, night
from harness.runner.lock import machine_lock
from harness.runner.overlap import Held
from harness.runner.pairs import MakeJudge, PairsResult, Turned
from harness.runner.setup import Setup
from harness.store.writer import Store
from tests.checkout import ROOT
from tests.harness.history import begin_run
from tests.harness.parsed import parsed
from tests.harness.samples import A, B, parsed_measurement
from tests.harness.test_ab import turned

CASES = ("--case", A, "--case", B)
Nightly = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nightly:
    """Each call is a night of the given turns, all of which reach the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock, "FOLDERS", (tmp_path,))
    image = Image(digest="sha256:a", tag="t")
    setup = Setup(engine=ProcessEngine(ROOT), image=image)
    monkeypatch.setattr(night, "set_up", lambda *_: setup)
    monkeypatch.setattr(night, "held", lambda *_: Held(cases={A: "", B: ""}))
    monkeypatch.setattr(night, "keep", lambda _: None)

    def call(*words: str, found: Sequence[Turned] = (), **changes: Any) -> tuple[int, str, str]:
        def execute(
            plan: PairPlan, store: Store, progress: Any, make_judge: MakeJudge
        ) -> PairsResult:
            judge = make_judge(plan.base.cases)
            pairing = keep(store, plan, found)
            store.add_verdicts(pairing, judge.verdicts(found))
            result = PairsResult(
                base="one",
                candidate="other",
                pairing=pairing,
                cases=plan.base.cases,
                others={},
                turned=tuple(found),
                failures=0,
                skipped={},
                same_image=False,
            )
            return replace(result, **changes)

        monkeypatch.setattr(night, "execute_pairs", execute)
        out, err = io.StringIO(), io.StringIO()
        code = dispatch(("nightly", *CASES, *words), out, err)
        return code, out.getvalue(), err.getvalue()

    return call


def keep(store: Store, plan: PairPlan, found: Sequence[Turned]) -> int:
    assert plan.base.image == "sha256:a"
    runs = [begin_run(store, machine=this_machine())[0] for _ in range(2)]
    pairing = store.pair_runs(*runs, rounds=3, rule={}, anchor=plan.anchor)
    for index in sorted({each.pair for each in found}):
        for run, side in zip(runs, ("base_s", "candidate_s"), strict=True):
            launch = store.begin_launch(run, index=index, part=0, limits={}, env={})
            for each in found:
                if each.pair == index:
                    samples = list(getattr(each, side))
                    store.add_measurement(launch, parsed_measurement(each.case, samples))
    for run in runs:
        store.end_run(run, "done")
    return pairing


def a_night(a: float, b: float, pairs: int = 5) -> list[Turned]:
    return [*turned(A, pairs, a), *turned(B, pairs, b)]


STRAYING = (1.0, 1.001, 0.999, 1.0005)


def test_nights_are_judged_by_the_nights_before(nightly: Nightly, tmp_path: Path) -> None:
    code, out, _ = nightly(found=a_night(1.0, 1.0))
    assert code == 0
    assert "the anchor was pinned tonight: the first night" in out
    assert "0 night(s) with this anchor before: a verdict wants 4" in out
    for stray in STRAYING[1:]:
        assert nightly(found=a_night(stray, stray))[0] == 0
    code, out, _ = nightly("--format", "json", found=a_night(1.0002, 1.0))
    document = json.loads(out)
    assert (code, document["verdict"], document["epoch"]) == (0, "same", 1)
    assert [each["nights"] for each in document["cases"]] == [4, 4]
    report = tmp_path / "night.md"
    slow = [*a_night(1.1, 1.0), *turned(A, 8, 1.1)[5:]]
    code, out, err = nightly("--report", str(report), found=slow)
    assert code == 1
    assert f"slower, and confirmed in new containers: {A} (+10.0% against the 5 nights" in err
    assert f"| {A} " in report.read_text()


def test_cases_are_tests_of_junit_s(nightly: Nightly, tmp_path: Path) -> None:
    for stray in STRAYING:
        nightly(found=a_night(stray, stray))
    slow = [*a_night(1.1, 1.0), *turned(A, 8, 1.1)[5:]]
    nightly("--junit", "junit.xml", found=slow, others={"c/d": "changed"}, skipped={"e": "no room"})
    cases = {
        each.get("name"): [child.tag for child in each if child.tag != "properties"]
        for each in parsed((tmp_path / "junit.xml").read_text()).iter("testcase")
    }
    assert cases == {A: ["failure"], B: [], "e": ["skipped"], "c/d": ["skipped"]}


def test_a_regression_is_an_annotation(nightly: Nightly, monkeypatch: pytest.MonkeyPatch) -> None:
    for stray in STRAYING:
        nightly(found=a_night(stray, stray))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    slow = [*a_night(1.1, 1.0), *turned(A, 8, 1.1)[5:]]
    _, _, err = nightly(found=slow)
    assert f"::error title=jaxrig%3A slower::{A}: +10.0%25 against the 4 nights before" in err


@pytest.mark.parametrize(
    ("pairs", "failures", "code", "says"),
    [(4, 0, 3, "no case has the 5 launch pairs"), (5, 2, 4, "2 failure(s)"), (5, 0, 0, "")],
)
def test_what_went_wrong_is_the_exit_code(
    nightly: Nightly, pairs: int, failures: int, code: int, says: str
) -> None:
    ended = nightly(found=a_night(1.0, 1.0, pairs), failures=failures)
    assert ended[0] == code
    assert says in ended[2]


def test_two_at_once_do_not_measure_each_other(nightly: Nightly, tmp_path: Path) -> None:
    with machine_lock("nightly"):
        code, out, err = nightly(found=a_night(1.0, 1.0))
    assert (code, out) == (5, "")
    assert "another jaxrig nightly is at work on this machine" in err
    assert not (tmp_path / "results.db").exists()


def test_cases_that_came_or_went_are_told(nightly: Nightly) -> None:
    found = a_night(1.0, 1.0)
    _, out, _ = nightly(found=found, others={"c/d": "changed"}, skipped={B: "no room"})
    assert "changed since the anchor: c/d" in out
    assert f"skipped: {B}: no room" in out
