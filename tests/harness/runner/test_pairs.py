"""Pairs of launches on real processes: who is measured how often, and what the database holds."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from containers.process_engine import ProcessEngine, RunningProcess
from containers.spec import LaunchSpec
from harness.plan import PairPlan
from harness.runner import pairs as runner
from harness.runner.pairs import PairsResult, Turned, execute_pairs
from harness.runner.setup import Setup
from harness.stats.rounds import MOST_TIMES
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.fakes import Watcher
from tests.harness.runner.bench import TARGET, plan
from tests.harness.samples import A, B, environment, failure, finished, line, measured, started

ROUNDS = 6
SAMPLES_S = (0.5, 0.25, 0.5)

LAUNCH = """
import json, os, sys
words = sys.argv[1:]
counts = map(int, words[words.index("--turns") + 1].split(","))
cases = [word.removeprefix("--case=") for word in words if word.startswith("--case=")]
said = {said!r}
side = os.environ["SIDE"]
os.write(1, said["begin"])
for case, turns in zip(cases, counts, strict=True):
    os.write(1, said["started", case])
    for turn in range(1 + 1 + turns):
        os.write(1, said["ready", case])
        if sys.stdin.readline() != "go\\n":
            sys.exit(1)
    if (side, case) == said["dies"]:
        os._exit(9)
    fails = (side, case) == said["fails"]
    record = json.loads(said["measured", case])
    record["samples_s"] = [said["samples", side, case][turn % 3] for turn in range(turns)]
    found = json.dumps(record).encode() + b"\\n"
    os.write(1, said["failure", case] if fails else found)
os.write(1, said["end"])
"""


@dataclass
class Says:
    """A judge that wants so many pairs of every case."""

    wanted: dict[str, int]

    @property
    def floors(self) -> Mapping[str, float]:
        return dict.fromkeys(self.wanted, 0.02)

    def as_dict(self) -> dict[str, Any]:
        return {"wanted": self.wanted}

    def open_cases(self, turned: Sequence[Turned]) -> tuple[str, ...]:
        cases = [each.case for each in turned]
        return tuple(case for case, wanted in self.wanted.items() if cases.count(case) < wanted)

    def verdicts(self, turned: Sequence[Turned]) -> Sequence[Mapping[str, Any]]:
        facts: dict[str, Any] = {"metric": "time", "unit": "s", "verdict": "same", "remarks": []}
        facts |= dict.fromkeys(("ratio", "low", "high", "base", "effect"), 1.0)
        counts = {case: [each.case for each in turned].count(case) for case in self.wanted}
        return [{"case": case, "pairs": count, **facts} for case, count in counts.items()]


Measure = Callable[..., PairsResult]


@pytest.fixture
def measure(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> Callable[..., PairsResult]:
    package = tmp_path / "workloads"
    package.mkdir()
    (package / "__init__.py").touch()
    setup = Setup(engine=ProcessEngine(tmp_path), image=None)
    monkeypatch.setattr(runner, "set_up", lambda *_: setup)

    def call(
        judge: Says,
        *,
        pairs: int = 5,
        budget_s: float | None = None,
        fails: tuple[str, str] | None = None,
        dies: tuple[str, str] | None = None,
        candidate_s: Sequence[float] = SAMPLES_S,
        steady: str | None = None,
        candidate_limit_s: float = TARGET.launch_limit_s,
    ) -> PairsResult:
        said: dict[Any, Any] = {"begin": line(environment()), "end": line(finished(2))}
        for case in (A, B):
            said["samples", "base", case] = SAMPLES_S
            said["samples", "candidate", case] = SAMPLES_S if case == steady else tuple(candidate_s)
            said["started", case] = line(started(case))
            said["ready", case] = line({"schema": 2, "kind": "ready", "case": case})
            said["measured", case] = measured(case, list(SAMPLES_S)).partition(b"\n")[2]
            said["failure", case] = line(failure(case))
        said |= {"fails": fails, "dies": dies}
        (package / "launch.py").write_text(LAUNCH.format(said=said))
        base = plan(A, B, launches=pairs, env={"SIDE": "base"})
        of_candidate = {"env": {"SIDE": "candidate"}, "launch_limit_s": candidate_limit_s}
        candidate = plan(A, B, launches=pairs, **of_candidate)
        plans = PairPlan(
            base=base,
            candidate=replace(candidate, target_name="other"),
            rounds=ROUNDS,
            budget_s=budget_s,
        )
        return execute_pairs(plans, store, Watcher(), lambda _: judge)

    return call


def rows(url: str, query: str) -> list[Any]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_pairs_are_measured_until_no_case_is_open(measure: Measure, url: str) -> None:
    result = measure(Says({A: 3, B: 2}))
    assert [(each.case, each.pair) for each in result.turned] == [
        (case, pair) for pair, case in ((0, A), (0, B), (1, A), (1, B), (2, A))
    ]
    assert result.turned[0].base_s == result.turned[0].candidate_s == SAMPLES_S * 2
    assert result.failures == 0
    with Reader(url) as reader:
        for name in (result.base, result.candidate):
            assert reader.run(name).status == "done"
            frame = reader.measurements(name)
            measured = list(zip(frame["launch"], frame["case"], strict=True))
            assert measured == [(0, A), (0, B), (1, A), (1, B), (2, A)]
        assert reader.run(result.candidate).target == "other"


def test_rounds_that_scatter_are_more_in_the_pairs_that_follow(measure: Measure) -> None:
    steady = measure(Says({A: 2}), candidate_s=(1.0, 0.5, 1.0))
    assert [len(each.base_s) for each in steady.turned] == [ROUNDS, ROUNDS]
    scattered = measure(Says({A: 3, B: 2}), candidate_s=(0.25, 0.5, 0.5), steady=B)
    counts = {case: [len(x.base_s) for x in scattered.turned if x.case == case] for case in (A, B)}
    assert counts == {A: [ROUNDS, MOST_TIMES * ROUNDS, MOST_TIMES * ROUNDS], B: [ROUNDS, ROUNDS]}


def test_the_pairing_and_its_verdicts_are_kept(measure: Measure, url: str) -> None:
    result = measure(Says({A: 1}))
    ((base, candidate, rounds, rule),) = rows(
        url,
        "SELECT b.name, c.name, rounds, rule FROM pairings"
        " JOIN runs b ON b.id = base_run_id JOIN runs c ON c.id = candidate_run_id",
    )
    assert (base, candidate, rounds) == (result.base, result.candidate, ROUNDS)
    assert '"wanted"' in rule
    assert rows(url, 'SELECT "case", verdict, ratio, pairs FROM verdicts') == [(A, "same", 1.0, 1)]


def test_a_pair_may_take_what_both_sides_limits_allow(
    measure: Measure, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    start = ProcessEngine.start

    def start_and_remember(engine: ProcessEngine, spec: LaunchSpec) -> RunningProcess:
        asked.append(spec.deadline_s)
        return start(engine, spec)

    monkeypatch.setattr(ProcessEngine, "start", start_and_remember)
    measure(Says({A: 1}), pairs=3, candidate_limit_s=5000.0)
    longest_s = 2 * (TARGET.launch_limit_s + 5000)
    assert asked == [longest_s] * 2
    lasts_s = "(julianday(deadline_at) - julianday(started_at)) * 86400"
    for (found_s,) in rows(url, f"SELECT {lasts_s} FROM runs"):  # noqa: S608 - literals
        assert found_s == pytest.approx(3 * longest_s + 3600, abs=60)


def test_there_are_no_more_pairs_than_planned(measure: Measure) -> None:
    assert [each.pair for each in measure(Says({A: 9}), pairs=2).turned] == [0, 1]


def test_no_pair_is_begun_that_would_end_too_late(measure: Measure) -> None:
    """A pair of these processes takes some 0.1 s."""
    assert [each.pair for each in measure(Says({A: 99}), pairs=99, budget_s=0.0).turned] == []
    some = measure(Says({A: 99}), pairs=99, budget_s=2.0)
    assert 1 <= len(some.turned) < 99


def test_what_fails_on_one_side_is_measured_on_neither(measure: Measure, url: str) -> None:
    result = measure(Says({A: 2, B: 2}), fails=("candidate", A))
    assert [(each.case, each.pair) for each in result.turned] == [(B, 0), (B, 1)]
    assert result.failures == 1
    with Reader(url) as reader:
        assert reader.run(result.base).status == "done"
        assert reader.run(result.candidate).status == "failed"
        frame = reader.measurements(result.base)
        assert list(zip(frame["launch"], frame["case"], strict=True)) == [(0, A), (0, B), (1, B)]


def test_after_a_crash_the_rest_goes_on_in_new_processes(measure: Measure, url: str) -> None:
    result = measure(Says({A: 2, B: 2}), dies=("base", A))
    assert [(each.case, each.pair) for each in result.turned] == [(B, 0), (B, 1)]
    with Reader(url) as reader:
        assert [failed.kind for failed in reader.failures(result.base)] == ["crashed"]
        assert reader.failures(result.candidate) == []
        parts = [(each.launch, each.part, each.status) for each in reader.launches(result.base)]
    assert parts == [(0, 0, "failed"), (0, 1, "done"), (1, 0, "done")]
