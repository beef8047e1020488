"""A project gates a change of itself: a revision against the working tree, by its own suite."""

import json
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.command import Jaxrig, Outcome

CASE = "test_work.py::test_work"

FILES = {
    "jaxrig.toml": """
[targets.mine]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
requirements = "cpu.requirements.txt"
project = "."
""",
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "measured-project"
version = "1"

[tool.setuptools]
py-modules = ["measured"]
""",
    "measured.py": "def work():\n    return sum(range(20_000))\n",
    "bench/test_work.py": """
import measured

def test_work(benchmark):
    assert benchmark(measured.work) > 0

def test_rounds(benchmark):
    benchmark.pedantic(measured.work, rounds=30, warmup_rounds=1)

if hasattr(measured, "new"):
    def test_new(benchmark):
        benchmark(measured.new)
""",
    ".gitignore": "*.db\n*.egg-info\n",
}

SLOWER = "def work():\n    return sum(range(100_000))\n\n\ndef new():\n    return 1\n"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    folder = tmp_path_factory.mktemp("project")
    (folder / "bench").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "as it was")
    (folder / "measured.py").write_text(SLOWER)
    return Jaxrig(folder=folder)


@pytest.fixture(scope="module")
def gated(jaxrig: Jaxrig) -> Outcome:
    # Most often 7 pairs will do; on a busy machine a case may take another look.
    words = ("ab", "mine@main", "mine", "--workloads", "bench", "--max-pairs", "20")
    return jaxrig(*words, "--format", "json", timeout_s=600)


def test_a_change_that_is_slower_fails_its_gate(gated: Outcome) -> None:
    assert gated.code == 1, gated.err
    assert "slower, and confirmed in new containers: " in gated.err
    assert f"{CASE} (time)" in gated.err
    time = cases(gated)[CASE, "time"]
    assert time["verdict"] == "slower"
    assert time["low"] > 1.02
    assert any("the two tests alternate" in each for each in time["remarks"])


def test_the_rounds_of_a_pedantic_test_take_turns(jaxrig: Jaxrig, gated: Outcome) -> None:
    time = cases(gated)["test_work.py::test_rounds", "time"]
    assert time["verdict"] == "slower"
    assert not any("alternate" in each for each in time["remarks"])


def test_a_case_that_the_change_brings_is_told(gated: Outcome) -> None:
    new = cases(gated)["test_work.py::test_new", "time"]
    assert (new["presence"], new["pairs"], new["ratio"]) == ("added", 0, None)


def test_each_run_knows_which_revision_it_measured(jaxrig: Jaxrig, gated: Outcome) -> None:
    found = json.loads(gated.out)
    base, candidate = (jaxrig.json("show", found[side]) for side in ("base", "candidate"))
    head = git(jaxrig.folder, "rev-parse", "HEAD")
    assert (base["git_commit"], base["git_dirty"]) == (head, False)
    assert (candidate["git_commit"], candidate["git_dirty"]) == (head, True)
    assert base["image"] != candidate["image"]
    assert (found["base_side"], found["candidate_side"]) == ("mine@main", "mine")


def cases(done: Outcome) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["case"], each["metric"]): each for each in json.loads(done.out)["cases"]}
