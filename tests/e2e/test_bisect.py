"""A project of twelve commits: since one of them it is slow, and one cannot be built."""

import json
import signal
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

import docker
import pytest

from tests.command import Jaxrig, Outcome
from tests.e2e.test_ab_project import FILES, git

CASE = "test_work.py::test_rounds"
SLOW, BROKEN, COUNT = 8, 6, 12
FLOOR = """
[floors]
"*" = 0.2
"""
"""So short a test scatters by more than the usual floor, and the planted change is larger."""

WORK = "def work():\n    return sum(range({count}))\n"


def commits(folder: Path) -> list[str]:
    """The first one, and eleven on top of it."""
    (folder / "bench").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text + FLOOR if name == "jaxrig.toml" else text)
    git(folder, "init", "-q", "-b", "main")
    found = []
    for number in range(1, COUNT + 1):
        count = 20_000 if number < SLOW else 40_000
        (folder / "measured.py").write_text(f"# {number}\n{WORK.format(count=count)}")
        backend = "no_such_backend" if number == BROKEN else "setuptools.build_meta"
        settings = FILES["pyproject.toml"].replace("setuptools.build_meta", backend)
        (folder / "pyproject.toml").write_text(settings)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"commit {number}")
        found.append(git(folder, "rev-parse", "HEAD"))
    return found


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    return Jaxrig(folder=tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def hashes(jaxrig: Jaxrig) -> list[str]:
    return commits(jaxrig.folder)


@pytest.fixture(scope="module")
def words(hashes: list[str]) -> tuple[str, ...]:
    ends = ("--good", hashes[0], "--bad", "main")
    return ("bisect", CASE, "--target", "mine", *ends, "--workloads", "bench", "--max-pairs", "12")


LOG = "bisect-test_work.py-test_rounds.jsonl"


@pytest.fixture(scope="module")
def interrupted(jaxrig: Jaxrig, words: tuple[str, ...]) -> Outcome:
    """By Ctrl-C, once two decisions are in the log."""
    running = jaxrig.start(*words)
    lines = wait_for_lines(running, jaxrig.folder / LOG, 3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert lines >= 3
    return Outcome(code=running.returncode, out=out, err=err)


def wait_for_lines(running: "Popen[str]", log: Path, count: int, limit_s: float = 300) -> int:
    end = time.monotonic() + limit_s
    while time.monotonic() < end and running.poll() is None:
        lines = log.read_bytes().count(b"\n") if log.exists() else 0
        if lines >= count:
            return lines
        time.sleep(0.1)
    raise AssertionError(f"the log has fewer than {count} lines: {running.communicate()}")


@pytest.fixture(scope="module")
def found(jaxrig: Jaxrig, words: tuple[str, ...], interrupted: Outcome) -> Outcome:
    return jaxrig(*words, "--format", "json", timeout_s=600)


def test_ctrl_c_keeps_what_was_decided(jaxrig: Jaxrig, interrupted: Outcome) -> None:
    assert interrupted.code == 130, interrupted.err
    unfinished = jaxrig.json("bisect", "--replay", LOG)
    assert (unfinished["status"], unfinished["first_bad"]) == ("unfinished", None)
    assert len(unfinished["steps"]) >= 2


def test_it_goes_on_and_finds_the_slow_commit(
    jaxrig: Jaxrig, hashes: list[str], found: Outcome
) -> None:
    assert found.code == 0, found.err
    assert "decision(s) already" in found.err
    document: dict[str, Any] = json.loads(found.out)
    assert document["status"] == "found"
    assert document["first_bad"]["revision"] == hashes[SLOW - 1]
    assert document["first_bad"]["subject"] == f"commit {SLOW}"
    change = document["change"]
    assert change["against"] == hashes[SLOW - 2]  # the commit before, not the good one
    assert 1.5 < change["low"] <= change["ratio"] <= change["high"] < 3
    assert document["hlo_changed"] is None  # nothing is compiled
    steps = [each["revision"] for each in document["steps"]]
    assert steps[0] == hashes[-1]
    assert len(steps) <= 7


def test_what_does_not_build_is_skipped(hashes: list[str], found: Outcome) -> None:
    steps = {each["revision"]: each for each in json.loads(found.out)["steps"]}
    skipped = steps[hashes[BROKEN - 1]]
    assert (skipped["finding"], skipped["outcome"]) == ("skipped", "not_built")
    assert "no_such_backend" in skipped["reason"]


def test_it_can_be_replayed_and_measures_nothing_twice(
    jaxrig: Jaxrig, words: tuple[str, ...], found: Outcome
) -> None:
    assert jaxrig.json("bisect", "--replay", LOG) == json.loads(found.out)
    runs = len(jaxrig.json("runs"))
    again = jaxrig(*words, "--format", "json")
    assert again.out == found.out
    assert len(jaxrig.json("runs")) == runs


def test_another_question_does_not_go_on_there(jaxrig: Jaxrig, hashes: list[str]) -> None:
    ends = ("--good", hashes[1], "--bad", "main")
    refused = jaxrig("bisect", CASE, "--target", "mine", *ends, "--workloads", "bench")
    assert refused.code == 2
    assert "the log of another question (good, revisions)" in refused.err


def test_where_nothing_is_slower_nothing_is_sought(
    jaxrig: Jaxrig, hashes: list[str], found: Outcome
) -> None:
    words = ("--good", hashes[0], "--bad", hashes[1], "--workloads", "bench", "--log", "other")
    refused = jaxrig("bisect", CASE, "--target", "mine", *words, timeout_s=600)
    assert refused.code == 3, refused.err
    assert f"{hashes[1]} is not slower than {hashes[0]}" in refused.err
