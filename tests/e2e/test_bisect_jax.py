"""Since which release of JAX? Real ones, from the index; what got slower is planted."""

import json
import os
from typing import Any

import docker
import pytest

from tests.command import Jaxrig

CASE = "test_planted.py::test_planted"
TOML = """
[floors]
"*" = 0.2
"""
OTHER = """
[targets.other]
extends = "cpu"
jax = "0.9.99"
"""
PLANTED = """
import time

import jax

SLOW = jax.__version_info__ >= {first}


def test_planted(benchmark):
    benchmark.pedantic(time.sleep, (0.004 if SLOW else 0.002,), rounds=30)
"""
GOOD, BEFORE, FIRST, BAD = "0.9.2", "0.10.0", (0, 10, 1), "0.10.2"
"""Four releases that follow one another."""


@pytest.fixture
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    folder = tmp_path_factory.mktemp("releases")
    (folder / "jaxrig.toml").write_text(TOML)
    (folder / "bench").mkdir()
    (folder / "bench" / "test_planted.py").write_text(PLANTED.format(first=FIRST))
    return Jaxrig(folder=folder, env={"XDG_CACHE_HOME": str(folder / "cache")})


long = pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)


@long
def test_the_first_bad_release_is_found(jaxrig: Jaxrig) -> None:
    ends = ("--good", f"jax=={GOOD}", "--bad", f"jax=={BAD}")
    words = ("bisect", CASE, "--workloads", "bench", *ends, "--max-pairs", "12")
    done = jaxrig(*words, "--format", "json", timeout_s=3000)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert found["status"] == "found"
    assert found["first_bad"]["revision"] == "jax==0.10.1"
    assert found["change"]["against"] == f"jax=={BEFORE}"
    assert found["change"]["low"] > 1.5
    measured = {each[key] for each in found["steps"] for key in ("revision", "against")}
    assert len(measured) >= 3
    for version in (GOOD, BEFORE, "0.10.1", BAD):  # as JAX itself said in the launches
        assert jaxrig.json("query", "--jax", version)


@long
def test_releases_are_measured_beside_each_other(jaxrig: Jaxrig) -> None:
    versions = {f"cpu-jax{version.replace('.', '')}": version for version in (GOOD, BAD)}
    made = (f'[targets.{name}]\nextends = "cpu"\njax = "{versions[name]}"\n' for name in versions)
    jaxrig.configure("".join(made))
    words = ("run", "--target", "cpu-jax*", "--case", "matmul/256/*", "--launches", "2")
    done = jaxrig(*words, "--format", "json", timeout_s=3000)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert [each["target"] for each in found["runs"]] == list(versions)
    assert len(found["cases"]) == 2
    assert all(each["ratio"] > 0 for case in found["cases"] for each in case["targets"])
    for version, run in zip(versions.values(), found["runs"], strict=True):
        launches = jaxrig.json("show", run["run"])["launches"]
        assert [each["environment"]["jax"] for each in launches] == [version] * 2


def test_a_release_that_there_is_not_names_the_nearest(jaxrig: Jaxrig) -> None:
    refused = jaxrig("bisect", "matmul/256/f32", "--good", "jax==0.9.2", "--bad", "jax==0.9.99")
    assert refused.code == 2
    assert "there is no jax 0.9.99 in the index; the nearest are " in refused.err
    assert "0.9.2, 0.10.0" in refused.err


def test_a_target_of_a_version_that_there_is_not_names_the_nearest(jaxrig: Jaxrig) -> None:
    jaxrig.configure(OTHER)
    refused = jaxrig("run", "--target", "other", "--case", "matmul/256/f32", "--launches", "1")
    assert refused.code == 2, refused.err
    assert "there is no jax 0.9.99 in the index; the nearest are " in refused.err
