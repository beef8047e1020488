"""What a suite of one's own holds is learnt, or why it cannot be."""

import time
import tracemalloc
from typing import Any

import pytest

from containers.engine import Exit
from containers.errors import EngineUnavailable
from containers.spec import LaunchSpec
from harness.errors import EnvironmentFailure
from harness.runner.collect import Contents, Uncollected, collect, known_cases
from tests.harness.fakes import FOREVER, WELL, FakeEngine, Script, Step
from tests.harness.samples import collected, finished, line

SPEC = LaunchSpec(command=("-m", "workloads.guest", "--collect"))


def contents(*steps: Step, exit_: Exit = WELL, log: str = "", limit_s: float = 5.0) -> Contents:
    engine = FakeEngine(lambda _: Script(steps, exit_, log))
    found = collect(engine, SPEC, limit_s)
    assert [each.kills for each in engine.launches] == [1]  # left as a context manager
    return found


def test_everything_there_is_in_order_and_once() -> None:
    failures = [{"case": "test_c.py", "message": "ImportError"}]
    record = line(collected("b", "a", "b", others=["c"], failures=failures))
    assert contents(record[:20], record[20:]) == Contents(
        benchmarks=("b", "a"),
        others=("c",),
        failures=(Uncollected(case="test_c.py", kind="raised", message="ImportError"),),
    )


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ({"exit_": Exit(code=4, out_of_memory=False), "log": "no conftest"}, "crashed", "no conf"),
        ({"exit_": Exit(code=137, out_of_memory=True)}, "out_of_memory", "`memory`"),
        ({"steps": [FOREVER], "limit_s": 0.1}, "timed_out", "case_limit_s"),
        ({"steps": [b"hello\n"]}, "bad_record", "no record"),
        ({"steps": [line(finished(1))]}, "bad_record", "not a list of cases"),
        ({"steps": [b"x" * (1 << 20)] * 33}, "bad_record", "34603008 bytes"),
    ],
    ids=["crashed", "memory", "slow", "text", "another", "long"],
)
def test_what_goes_wrong_is_a_failure_of_no_single_case(
    how: dict[str, Any], kind: str, words: str
) -> None:
    found = contents(*how.pop("steps", ()), **how)
    [failure] = found.failures
    assert (found.benchmarks, failure.case, failure.kind) == ((), None, kind)
    assert words in failure.message


def test_of_a_flood_no_more_is_held_than_a_line_and_no_longer_than_the_limit() -> None:
    chunk = (b"x" * 1023 + b"\n") * 100
    tracemalloc.start()
    found = contents(*[chunk] * 100, line(collected("a")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.benchmarks == ("a",)
    assert peak < 10 * len(chunk)
    slow: list[Step] = [b"x\n", lambda: time.sleep(0.1)] * 10
    [failure] = contents(*slow, limit_s=0.3).failures
    assert failure.kind == "timed_out"


def test_an_engine_that_vanishes_is_no_failure_of_the_suite() -> None:
    with pytest.raises(EngineUnavailable, match="gone"):
        contents(EngineUnavailable("gone"))


def known(*steps: Step, log: str = "", limit_s: float = 5.0) -> dict[str, str]:
    return known_cases(FakeEngine(lambda _: Script(steps, WELL, log)), SPEC, limit_s)


def test_an_image_tells_its_cases_and_what_they_compute() -> None:
    record = line({"schema": 2, "kind": "known", "cases": {"a/b": "0f"}})
    assert known(record[:9], record[9:]) == {"a/b": "0f"}


@pytest.mark.parametrize(
    ("steps", "log", "words"),
    [
        ([], "unrecognized arguments: --known", "unrecognized arguments"),
        ([line(finished(1))], "", "another version"),
        ([line({"schema": 1, "kind": "known", "cases": {}})], "", "schema"),
        ([b"hello\n"], "", "Invalid JSON"),
        ([FOREVER], "", "another version"),
    ],
    ids=["older", "another", "schema", "text", "slow"],
)
def test_an_image_that_does_not_answer_so_is_of_another_version(
    steps: list[Step], log: str, words: str
) -> None:
    with pytest.raises(EnvironmentFailure, match=words):
        known(*steps, log=log, limit_s=0.1)
