"""Two targets in turns, from the command to the verdict."""

import json
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.command import Jaxrig, Outcome

CASE = "activation/gelu/4MiB/f32"
BRIEF = ("--max-pairs", "7")
CHOSEN = ("--suite", "standard", "--case", CASE)

TOML = """
[targets.slow]
platform = "cpu"
dockerfile = "cpu.Dockerfile"
requirements = "cpu.requirements.txt"
env = { JAX_PLATFORMS = "cpu", XLA_FLAGS = "--xla_cpu_max_isa=SSE4_2" }
"""
"""A stack that computes with vectors of 16 bytes: less than half as fast, however busy the CPUs."""


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    folder: Path = tmp_path_factory.mktemp("ab")
    (folder / "jaxrig.toml").write_text(TOML)
    return Jaxrig(folder=folder)


@pytest.fixture(scope="module")
def slower(jaxrig: Jaxrig) -> Outcome:
    return jaxrig("ab", "cpu", "slow", *CHOSEN, *BRIEF, "--format", "json", timeout_s=600)


def test_a_stack_that_is_slower_is_found_and_confirmed(slower: Outcome) -> None:
    assert slower.code == 1, slower.err
    assert f"slower, and confirmed in new containers: {CASE} (time)" in slower.err
    found: dict[str, Any] = json.loads(slower.out)
    case, compiling, memory = found["cases"]
    assert (compiling["metric"], memory["metric"]) == ("compile_time", "memory")
    assert (compiling["unit"], memory["unit"]) == ("s", "bytes")
    assert (found["verdict"], case["verdict"], case["metric"]) == ("slower", "slower", "time")
    assert 1.02 < case["low"] <= case["ratio"] <= case["high"]
    assert case["pairs"] >= 7


def test_both_runs_are_kept_with_turns_of_equal_number(jaxrig: Jaxrig, slower: Outcome) -> None:
    found: dict[str, Any] = json.loads(slower.out)
    base, candidate = (jaxrig.json("show", found[side]) for side in ("base", "candidate"))
    assert (base["target"], candidate["target"]) == ("cpu", "slow")
    pairs = found["cases"][0]["pairs"]
    for run in (base, candidate):
        assert [each["launch"] for each in run["measurements"]] == list(range(pairs))
        assert all(21 <= len(each["samples_s"]) <= 84 for each in run["measurements"])


def test_an_image_is_not_slower_than_the_target_that_it_was_built_for(
    jaxrig: Jaxrig, slower: Outcome
) -> None:
    """By its digest alone, which says for which target it is."""
    image = jaxrig.json("show", json.loads(slower.out)["base"])["image"]
    done = jaxrig("ab", image, "cpu", *CHOSEN, *BRIEF, "--format", "json", timeout_s=600)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert [each["metric"] for each in found["cases"]] == ["time", "compile_time", "memory"]
    assert "slower" not in [each["verdict"] for each in found["cases"]]
    assert jaxrig.json("show", found["base"])["image"] == image


def test_what_decides_nothing_is_refused_at_once(jaxrig: Jaxrig) -> None:
    done = jaxrig("ab", "cpu", "cpu", *CHOSEN, "--max-pairs", "4")
    assert (done.code, done.out) == (2, "")
    assert "--max-pairs 4 decides nothing" in done.err
