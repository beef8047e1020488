"""Of each target: whether its image is built, and why this machine cannot run it, if it cannot."""

import sys
from functools import partial
from pathlib import Path

import docker
import pytest

from containers.accelerators import accelerator, missing
from harness import runner
from harness.config import Settings
from harness.machine import this_machine
from harness.runner.standing import Standing, standings
from harness.target import BUILT_IN_TARGETS, Target
from tests.nodes import Nodes

CPU = BUILT_IN_TARGETS["cpu"]
PLAIN = Target(platform="cpu", isolation="process")


def standing(target: Target) -> Standing:
    return standings(Settings(targets={"mine": target}))["mine"]


def test_a_cpu_target_runs_where_an_engine_is(engine: docker.DockerClient) -> None:
    assert standing(CPU).why_not is None


def test_without_an_engine_only_plain_processes_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    found = standings(Settings(targets={"cpu": CPU, "plain": PLAIN}))
    assert found["plain"] == Standing(image=None, why_not=None)
    assert "no Docker engine answers" in str(found["cpu"].why_not)


def test_a_plain_process_needs_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    assert "that lacks jax" in str(standing(PLAIN).why_not)


NO_GPU = pytest.mark.skipif(bool(this_machine().gpus), reason="there is a GPU here")
NO_TPU = pytest.mark.skipif(missing("tpu") is None, reason="there is a TPU here")
NO_KFD = pytest.mark.skipif(Path("/dev/kfd").exists(), reason="there is an AMD GPU here")


@pytest.mark.parametrize(
    ("changes", "why_not"),
    [
        pytest.param({"platform": "cuda"}, "there is no NVIDIA GPU here", marks=NO_GPU),
        pytest.param({"platform": "rocm"}, "there is no AMD GPU here: no /dev/kfd", marks=NO_KFD),
        pytest.param({"platform": "tpu"}, "no /dev/accel[0-9]* nor /dev/vfio/", marks=NO_TPU),
        ({"cpus": "0,9998"}, "`cpus` of this target names 9998, and this machine has"),
        ({"gpus": "0,997"}, "997, and this machine has"),
        ({"gpus": "GPU-none"}, "this engine hands out no GPUs"),
        ({"image": "nobody/made:this", "dockerfile": None}, "holds no image nobody/made:this"),
        ({"dockerfile": Path("no.Dockerfile")}, "no file no.Dockerfile beside jaxrig.toml"),
        ({"project": Path("/nowhere")}, "project /nowhere: "),
    ],
)
def test_what_a_target_asks_for_and_is_not_here_is_named(
    engine: docker.DockerClient, changes: dict[str, object], why_not: str
) -> None:
    if changes == {"gpus": "GPU-none"} and "nvidia" in engine.info().get("Runtimes", {}):
        pytest.skip("this engine can hand out GPUs")
    found = standing(CPU.model_copy(update=changes))
    assert why_not in str(found.why_not)
    assert found.image is None


def test_gpus_that_reach_no_container_are_named(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'A GPU, 100, 1.0'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = CPU.model_copy(update={"platform": "cuda"})
    assert "it needs gpus = true" in str(standing(without).why_not)
    plain = PLAIN.model_copy(update={"platform": "cuda"})
    assert standing(plain).why_not is None


def test_amd_s_gpus_run_where_a_launch_may_open_them(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Nodes(tmp_path / "dev")
    for name, function in {"accelerator": accelerator, "missing": missing}.items():
        monkeypatch.setattr(runner.standing, name, partial(function, dev=node.dev))
    target = CPU.model_copy(update={"platform": "rocm", "gpus": "0,7"})
    assert f"no {node.dev}/kfd" in str(standing(target).why_not)
    kfd = node("kfd")
    node("dri/renderD128")
    assert standing(target).why_not is None
    kfd.chmod(0o600)
    assert f"may not open {kfd}" in str(standing(target).why_not)
