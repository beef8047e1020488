"""A suite of one's own in turns, in a real launch: when it waits, and what it says of that."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness import records
from tests.checkout import ROOT

TESTS = """
import os
import pytest

made = []

@pytest.fixture
def slow(): made.append("slow")

def test_called(benchmark): benchmark(sum, [1, 2])
def test_rounds(benchmark, slow): benchmark.pedantic(sum, ([1],), rounds=3, warmup_rounds=1)
def test_setup(benchmark):
    benchmark.pedantic(sum, setup=lambda: made.append("setup") or (([1],), {}), rounds=2)
    benchmark.extra_info["made"] = made
def test_iterations(benchmark): benchmark.pedantic(sum, ([1],), rounds=2, iterations=3)
def test_stdin(benchmark):
    benchmark.pedantic(sum, ([],), rounds=1)
    benchmark.extra_info["stdin"] = os.read(0, 9).decode()
def test_plain(): pass
"""

WAITS = {"called": 1, "rounds": 1 + 1 + 3, "setup": 1 + 2, "iterations": 1, "stdin": 1 + 1}
"""For the test, and for each of its rounds."""


def case(name: str) -> str:
    return f"test_a.py::test_{name}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("turns")
    (found / "test_a.py").write_text(TESTS)
    return found


def launch(folder: Path, *names: str, passed: str = "", after: int = 0) -> list[records.Record]:
    """What it says, told `go` whenever it waits; but `pass` of the case `passed`, when it has
    waited for it `after` times."""
    command = [sys.executable, "-m", "workloads.guest", "--root", str(folder), "--turns"]
    said: list[records.Record] = []
    with subprocess.Popen(
        [*command, *(f"--case={case(name)}" for name in names)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            record = records.parse(line)
            if isinstance(record, records.Ready):
                over = record.case == case(passed) and waits(said)[passed] == after
                process.stdin.write(b"pass\n" if over else b"go\n")
                process.stdin.flush()
            said.append(record)
    return said


def waits(said: list[records.Record]) -> Counter[str]:
    names = [each.case for each in said if isinstance(each, records.Ready)]
    return Counter(each.removeprefix(case("")) for each in names)


def measured(said: list[records.Record]) -> dict[str, records.Benchmark]:
    return {
        each.case.removeprefix(case("")): each
        for each in said
        if isinstance(each, records.Benchmark)
    }


@pytest.fixture(scope="module")
def said(folder: Path) -> list[records.Record]:
    return launch(folder, *WAITS, "plain")


def test_it_waits_before_a_test_and_before_each_round_of_a_pedantic_one(
    said: list[records.Record],
) -> None:
    assert waits(said) == WAITS
    assert {name: each.in_turns for name, each in measured(said).items()} == {
        "called": False,
        "rounds": True,
        "setup": True,
        "iterations": False,
        "stdin": True,
    }


def test_rounds_are_as_many_as_the_test_says(said: list[records.Record]) -> None:
    found = measured(said)
    assert [len(found[name].samples_s) for name in ("rounds", "setup", "iterations")] == [3, 2, 2]
    assert found["setup"].extra_info["made"] == ["slow", "setup", "setup"]


def test_the_suite_finds_nothing_on_stdin(said: list[records.Record]) -> None:
    assert measured(said)["stdin"].extra_info["stdin"] == ""


@pytest.mark.parametrize("after", [0, 2], ids=["before it began", "between its rounds"])
def test_what_the_other_side_does_not_measure_is_passed_over(folder: Path, after: int) -> None:
    said = launch(folder, "rounds", "setup", passed="rounds", after=after)
    (skipped,) = [each for each in said if isinstance(each, records.Skipped)]
    assert (skipped.case, skipped.reason) == (case("rounds"), "the other side does not measure it")
    assert set(measured(said)) == {"setup"}


def test_both_sides_have_one_order_whatever_the_suite_s(folder: Path) -> None:
    said = launch(folder, "setup", "called", "rounds")
    assert list(measured(said)) == ["setup", "called", "rounds"]


def test_without_somebody_to_say_go_it_is_a_failure(folder: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "workloads.guest", "--root", str(folder), "--turns"),
            f"--case={case('rounds')}",
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    failures = [
        each
        for each in map(records.parse, done.stdout.splitlines())
        if isinstance(each, records.Failure)
    ]
    assert [each.failure for each in failures] == ["raised"]
    assert "Orphaned" in failures[0].message
