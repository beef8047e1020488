"""The wrong platform, and engines and images that cannot serve: exit 5, and what to do."""

import os
import shutil
from pathlib import Path

import docker
import pytest

from containers.accelerators import missing
from tests.checkout import ROOT
from tests.command import Jaxrig, Outcome

TARGET = """
[targets.odd]
platform = "{platform}"
dockerfile = "{dockerfile}"
{more}
"""
HERE = """
[targets.{target}-here]
extends = "{target}"
platform = "cpu"
env = {{ JAX_PLATFORMS = "cpu" }}
gpus = false
"""
"""Of an example's stack: what it computes without its device."""
RUN = ("run", "--target", "odd", "--case", "matmul/256/f32", "--launches", "1")
PINS = 'requirements = "cpu.requirements.txt"'


@pytest.fixture
def jaxrig(tmp_path: Path, engine: docker.DockerClient) -> Jaxrig:
    return Jaxrig(folder=tmp_path)


def run_odd(
    jaxrig: Jaxrig, more: str, *, platform: str = "cuda", dockerfile: str = "cpu.Dockerfile"
) -> Outcome:
    jaxrig.configure(TARGET.format(platform=platform, dockerfile=dockerfile, more=more))
    return jaxrig(*RUN)


def assert_nothing_was_measured(jaxrig: Jaxrig) -> None:
    [run] = jaxrig.json("runs")
    assert (run["status"], run["measurements"]) == ("failed", 0)


def test_a_silent_fall_back_to_cpu_is_refused(jaxrig: Jaxrig) -> None:
    outcome = run_odd(jaxrig, PINS)
    assert outcome.code == 5
    assert "is for platform cuda, but JAX found cpu" in outcome.err
    assert "NVIDIA Container Toolkit" in outcome.err
    assert_nothing_was_measured(jaxrig)


def test_a_silent_fall_back_is_refused_in_a_plain_process_too(tmp_path: Path) -> None:
    jaxrig = Jaxrig(folder=tmp_path)
    outcome = jaxrig(
        *("run", "--target", "cuda", "--isolation", "process", "--case", "matmul/256/f32")
    )
    assert outcome.code == 5
    assert "but JAX found cpu" in outcome.err
    assert_nothing_was_measured(jaxrig)


def test_no_device_at_all_is_refused_with_jax_s_reason(jaxrig: Jaxrig) -> None:
    outcome = run_odd(jaxrig, f'{PINS}\nenv = {{ JAX_PLATFORMS = "cuda" }}')
    assert outcome.code == 5
    assert "but JAX found none" in outcome.err
    assert "cuda" in outcome.err.partition("found none")[2]
    assert_nothing_was_measured(jaxrig)


def test_an_engine_without_gpus_is_explained(jaxrig: Jaxrig) -> None:
    outcome = run_odd(jaxrig, f"{PINS}\ngpus = true")
    assert outcome.code == 5
    assert "could not select device driver" in outcome.err
    assert "install the NVIDIA driver" in outcome.err
    assert_nothing_was_measured(jaxrig)


def test_no_engine_is_said_with_the_ways_out(tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    outcome = Jaxrig(folder=tmp_path, env=nowhere)("run", "--case", "matmul/256/f32")
    assert outcome.code == 5
    assert "docker/engine.sh start" in outcome.err
    assert "--isolation process" in outcome.err


def test_a_failing_build_shows_the_end_of_its_log(jaxrig: Jaxrig) -> None:
    (jaxrig.folder / "Broken").write_text(
        "ARG BASE\nFROM ${BASE}\n"
        "RUN for i in $(seq 40); do echo line $i; done; echo 'the reason is here'; exit 7\n"
    )
    outcome = run_odd(jaxrig, "", platform="cpu", dockerfile="Broken")
    assert outcome.code == 5
    assert "returned a non-zero code: 7" in outcome.err
    assert "the reason is here" in outcome.err
    assert "line 40\n" in outcome.err
    assert "line 3\n" not in outcome.err


def test_too_little_memory_to_start_is_named(jaxrig: Jaxrig) -> None:
    outcome = run_odd(jaxrig, f'{PINS}\nmemory = "48MiB"', platform="cpu")
    assert outcome.code == 4
    [failure] = jaxrig.json("show", "latest")["failures"]
    assert (failure["case"], failure["kind"]) == (None, "out_of_memory")
    assert "before its first case" in failure["message"]
    assert_nothing_was_measured(jaxrig)


def test_a_base_that_cannot_be_had_is_said_with_the_ways_out(jaxrig: Jaxrig) -> None:
    example(jaxrig.folder)
    with (jaxrig.folder / "jaxrig.toml").open("a") as more:
        more.write(HERE.format(target="rocm"))  # whose GPU would be asked for first
    outcome = jaxrig("run", "--target", "rocm-here", "--case", "matmul/256/f32", "--launches", "1")
    assert outcome.code == 5
    assert "no registry gives this engine rocm/dev-ubuntu-24.04:" in outcome.err
    assert "docker load" in outcome.err


def test_one_core_is_what_its_example_measures_on(jaxrig: Jaxrig) -> None:
    example(jaxrig.folder)
    outcome = jaxrig("run", "--target", "cpu-1core", "--case", "matmul/256/f32", "--launches", "1")
    assert outcome.code == 0, outcome.err
    (launch,) = jaxrig.json("show", "latest")["launches"]
    assert launch["environment"]["visible_cpus"] == [0]


LONG = pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)


ABSENT = {
    "rocm": "there is no AMD GPU here: no /dev/kfd; install AMD's kernel driver amdgpu",
    "tpu": "there is no TPU here: no /dev/accel[0-9]* nor /dev/vfio/vfio; install a TPU's driver",
}


def test_a_device_that_is_not_there_is_said_before_an_image_is_built(jaxrig: Jaxrig) -> None:
    if not all(map(missing, ABSENT)):
        pytest.skip("there is such a device here")
    example(jaxrig.folder)
    listed = {each["name"]: str(each["why_not"]) for each in jaxrig.json("targets")}
    for target, said in ABSENT.items():
        outcome = jaxrig("run", "--target", target, "--case", "matmul/256/f32", "--launches", "1")
        assert outcome.code == 5
        assert said in outcome.err
        assert "building" not in outcome.err
        assert said in listed[target]
    (found,) = (each for each in jaxrig.json("doctor") if each["check"] == "AMD GPU, TPU")
    assert found["found"].startswith("no AMD GPU (/dev/kfd); no TPU (")


@LONG
@pytest.mark.parametrize("target", ["tpu", "cuda12"])
def test_an_example_builds_and_never_records_a_cpu_s_times_as_another_s(
    jaxrig: Jaxrig, target: str
) -> None:
    """On the CPU its stack computes; under its own name nothing is recorded."""
    example(jaxrig.folder)
    with (jaxrig.folder / "jaxrig.toml").open("a") as more:
        more.write(HERE.format(target=target))
    run = ("--case", "matmul/256/f32", "--launches", "1")
    outcome = jaxrig("run", "--target", f"{target}-here", *run, timeout_s=900)
    assert outcome.code == 0, outcome.err
    outcome = jaxrig("run", "--target", target, *run, timeout_s=900)
    assert outcome.code == 5
    assert [each["target"] for each in jaxrig.json("runs") if each["measurements"]] == [
        f"{target}-here"
    ]


def example(folder: Path) -> None:
    """Puts the targets that come as examples into `folder`."""
    shutil.copy(ROOT / "docs" / "examples" / "jaxrig.toml", folder)
