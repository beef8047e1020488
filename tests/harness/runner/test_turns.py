"""Two real processes in turns: never both at work, always on the same case."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from containers.process_engine import ProcessEngine
from containers.spec import LaunchSpec
from harness.runner.session import Ending, Session, TimeLimits
from harness.runner.turns import follow_in_turns
from tests.checkout import ROOT
from tests.harness.fakes import Findings
from tests.harness.samples import (
    A,
    B,
    C,
    environment,
    failure,
    finished,
    line,
    measurement,
    skipped,
    started,
)

CASES = (A, B, C)
ROUNDS = 3
RECORD = {"ready": lambda case: {"schema": 2, "kind": "ready", "case": case}}

LAUNCH = """
import json, os, sys, time
told = json.load(open(sys.argv[1]))
def say(text):
    os.write(1, text.encode())
def note(what):
    with open(told["diary"], "a") as diary:
        diary.write(f"{told['name']} {what}\\n")
say(told["begin"])
for case in told["cases"]:
    say(case["started"])
    passed = False
    for turn in range(case["turns"]):
        say(case["ready"])
        token = sys.stdin.readline()
        passed = token == "pass\\n"
        if passed or token == "":
            break
        note("begins " + case["name"])
        time.sleep(told["works_s"])
        if turn == case.get("hangs"):
            time.sleep(60)
        if turn == case.get("dies"):
            os._exit(3)
        note("ends " + case["name"])
    say(case["skipped"] if passed else case["end"])
say(told["finish"])
"""


@dataclass
class Side:
    """What one launch does. `fails`: its first case fails at once, before any turn."""

    name: str
    fails: tuple[str, ...] = ()
    dies: tuple[str, int] | None = None
    hangs: tuple[str, int] | None = None
    rounds: int = ROUNDS

    def told(self, diary: Path) -> dict[str, Any]:
        return {
            "name": self.name,
            "diary": str(diary),
            "works_s": 0.005,
            "begin": line(environment()).decode(),
            "finish": line(finished(3)).decode(),
            "cases": [self._case(case) for case in CASES],
        }

    def _case(self, case: str) -> dict[str, Any]:
        end = failure(case) if case in self.fails else measurement(case, [0.5] * ROUNDS)
        told = {
            "name": case,
            "turns": 0 if case in self.fails else 1 + self.rounds,
            "started": line(started(case)).decode(),
            "ready": line(RECORD["ready"](case)).decode(),
            "skipped": line(skipped(case)).decode(),
            "end": line(end).decode(),
        }
        for what in ("dies", "hangs"):
            named = getattr(self, what)
            if named is not None and named[0] == case:
                told[what] = named[1]
        return told


@dataclass(frozen=True)
class Led:
    """How both ended, what each told, and who worked when."""

    endings: tuple[Ending, Ending]
    found: tuple[Findings, Findings]
    diary: list[str]


@contextmanager
def session(engine: ProcessEngine, side: Side, folder: Path, found: Findings) -> Iterator[Session]:
    told = folder / f"{side.name}.json"
    told.write_text(json.dumps(side.told(folder / "diary")))
    limits = TimeLimits(case_s=1.0, launch_s=30.0)
    with engine.start(LaunchSpec(command=("-c", LAUNCH, str(told)), stdin=True)) as running:
        yield Session(
            running=running,
            cases=CASES,
            limits=limits,
            sink=found,
            deadline=time.monotonic() + limits.launch_s,
            in_turns=True,
        )


def lead(folder: Path, base: Side, candidate: Side, *, candidate_first: bool = False) -> Led:
    engine, found = ProcessEngine(ROOT), (Findings(), Findings())
    (folder / "diary").touch()
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(session(engine, side, folder, each))
            for side, each in zip((base, candidate), found, strict=True)
        )
        endings = follow_in_turns(one, other, CASES, candidate_first=candidate_first)
    return Led(endings, found, (folder / "diary").read_text().splitlines())


BASE, CANDIDATE = Side("a"), Side("b")


def order(diary: list[str]) -> str:
    """Who worked, in order. Fails where one began before the other had ended."""
    for begun, ended in zip(diary[::2], diary[1::2], strict=True):
        assert begun.replace("begins", "ends") == ended
    return "".join(entry[0] for entry in diary[::2])


@pytest.mark.parametrize(("first", "expected"), [(False, "abba" * 6), (True, "baab" * 6)])
def test_one_works_at_a_time_and_who_goes_first_alternates(
    tmp_path: Path, first: bool, expected: str
) -> None:
    led = lead(tmp_path, BASE, CANDIDATE, candidate_first=first)
    assert order(led.diary) == expected
    for found, ending in zip(led.found, led.endings, strict=True):
        assert [each.case for each in found.measurements] == list(CASES)
        assert (found.failures, found.skips) == ([], [])
        assert (ending.remaining, ending.exit.code) == ((), 0)


def test_what_only_one_gets_to_is_passed_over_by_the_other(tmp_path: Path) -> None:
    led = lead(tmp_path, Side("a", fails=(A,)), Side("b", fails=(C,)))
    assert order(led.diary) == "abba" * 2
    assert {entry.split()[2] for entry in led.diary} == {B}
    base, candidate = led.found
    assert (base.blamed, [case for case, _ in base.skips]) == ([(A, "raised")], [C])
    assert (candidate.blamed, [case for case, _ in candidate.skips]) == ([(C, "raised")], [A])
    assert [each.case for each in base.measurements] == [B]
    assert [each.remaining for each in led.endings] == [(), ()]


def test_who_has_more_rounds_of_what_was_measured_takes_them_alone(tmp_path: Path) -> None:
    led = lead(tmp_path, BASE, Side("b", rounds=ROUNDS + 2))
    assert order(led.diary)[:10] == "abbaabba" + "bb"
    for found in led.found:
        assert [each.case for each in found.measurements] == list(CASES)


def test_where_one_dies_the_other_is_ended_without_blame(tmp_path: Path) -> None:
    led = lead(tmp_path, BASE, Side("b", dies=(B, 1)))
    base, candidate = led.found
    assert candidate.blamed == [(B, "crashed")]
    assert base.blamed == []
    assert led.endings[0].remaining == (B, C)
    assert led.endings[1].remaining == (C,)


def test_waiting_counts_towards_no_limit_but_hanging_does(tmp_path: Path) -> None:
    """The case limit is a second: the base waits for longer than that."""
    led = lead(tmp_path, BASE, Side("b", hangs=(B, 1)), candidate_first=True)
    base, candidate = led.found
    assert candidate.blamed == [(B, "timed_out")]
    assert base.blamed == []
    assert [each.case for each in base.measurements] == [A]
