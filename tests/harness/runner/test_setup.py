"""What a plan needs is found, or refused with what to do."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from containers.errors import EngineUnavailable
from containers.process_engine import ProcessEngine
from containers.project import Project
from containers.spec import LaunchSpec, Limits
from harness.config import Settings
from harness.errors import EnvironmentFailure, UsageError
from harness.machine import memory_bytes
from harness.own import OwnSuite
from harness.plan import Plan, make_own_plan, make_plan
from harness.runner.setup import limits, recipe, recipe_of, set_up
from harness.target import BUILT_IN_TARGETS, Target
from tests.containers.running import read_all
from tests.harness.nvidia_smi import with_nvidia_smi


def plan(isolation: str) -> Plan:
    settings = Settings(targets=BUILT_IN_TARGETS)
    return make_plan(settings, target="cpu", suite="quick", isolation=isolation)


def say(line: str) -> None:
    raise AssertionError(line)


def test_plain_processes_need_no_image() -> None:
    setup = set_up(plan("process"), say)
    assert isinstance(setup.engine, ProcessEngine)
    assert setup.image is None


def test_who_else_uses_the_gpu_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_nvidia_smi(monkeypatch, tmp_path, tenants="echo 'GPU-1, 1234, python, 71852'")
    said: list[str] = []
    settings = Settings(targets=BUILT_IN_TARGETS)
    set_up(make_plan(settings, target="cuda", suite="quick", isolation="process"), said.append)
    (line,) = said
    assert line.startswith("python (process 1234) uses 70.2 GiB of GPU-1: ")
    assert "end it" in line
    set_up(plan("process"), say)  # a CPU has nothing to do with it


def test_plain_processes_need_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)  # as if it were not installed
    with pytest.raises(EnvironmentFailure, match=r"pip install 'jaxrig\[process\]'"):
        set_up(plan("process"), say)


def test_plain_processes_are_of_the_target_s_python(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "I am it" >&2\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"python": python})
    setup = set_up(replace(plan("process"), target=target), say)
    with setup.engine.start(LaunchSpec(command=("-c", "print('well')"))) as running:
        assert read_all(running) == b"well\n"
        running.wait(10)
        assert running.log() == "I am it\n"


def own(isolation: str, folder: Path) -> Plan:
    settings = Settings(targets=BUILT_IN_TARGETS)
    suite = OwnSuite(folder=folder)
    return make_own_plan(settings, target="cpu", own=suite, isolation=isolation)


def test_plain_processes_find_one_s_own_where_it_lies_and_need_no_jax(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    assert set_up(own("process", tmp_path), say).own_folder == str(tmp_path)
    monkeypatch.setitem(sys.modules, "pytest_benchmark", None)
    with pytest.raises(EnvironmentFailure, match="lacks pytest_benchmark"):
        set_up(own("process", tmp_path), say)


def test_the_workloads_are_started_from_the_folder_that_holds_them() -> None:
    setup = set_up(plan("process"), say)
    assert isinstance(setup.engine, ProcessEngine)
    assert (setup.engine.root / "workloads" / "launch.py").is_file()


def test_containers_need_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="--isolation process"):
        set_up(plan("container"), say)


def test_a_recipe_of_a_built_in_target_names_existing_files() -> None:
    found = recipe("cpu", BUILT_IN_TARGETS["cpu"])
    assert found.dockerfile is not None
    assert found.dockerfile.is_file()
    assert found.requirements is not None
    assert found.requirements.is_file()


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    for path in (Path("nope.Dockerfile"), tmp_path / "nope.Dockerfile"):
        with pytest.raises(UsageError, match=r"target mine: no file .*nope\.Dockerfile"):
            recipe("mine", Target(platform="cpu", dockerfile=path))


def test_a_target_for_plain_processes_alone_has_no_recipe() -> None:
    with pytest.raises(UsageError, match="target mine has neither dockerfile nor image"):
        recipe("mine", Target(platform="cpu", isolation="process"))


def test_limits_are_the_target_s() -> None:
    target = Target(
        platform="cpu",
        dockerfile=Path("x"),
        cpus="0",
        memory=1 << 30,
        pids=9,
        tmp=8 << 20,
        shm=7 << 20,
    )
    found = limits(target)
    assert found == Limits(
        cpus="0", memory_bytes=1 << 30, pids=9, tmp_bytes=8 << 20, shm_bytes=7 << 20
    )


def test_without_limits_a_launch_gets_this_process_s_cpus_and_most_of_the_memory() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        found = limits(Target(platform="cpu", dockerfile=Path("x")))
    finally:
        os.sched_setaffinity(0, before)
    assert found.cpus == str(min(before))
    assert found.memory_bytes == int(0.9 * memory_bytes())


def test_plain_processes_have_neither_images_nor_projects(tmp_path: Path) -> None:
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"project": tmp_path})
    given = BUILT_IN_TARGETS["cpu"].model_copy(update={"image": "mine/jax:1"})
    for changed in (
        replace(plan("process"), image="sha256:0"),
        replace(plan("process"), target=given),
        replace(plan("process"), target=target),
    ):
        with pytest.raises(UsageError, match=r"its Python's packages, and no (image|project)"):
            set_up(changed, say)


def test_plain_processes_have_no_other_version_of_jax() -> None:
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"jax": "0.9.2"})
    with pytest.raises(UsageError, match=r"its Python's packages, and no jax 0\.9\.2"):
        set_up(replace(plan("process"), target=target), say)


def test_a_version_of_jax_takes_the_place_of_the_pinned_one() -> None:
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"jax": "0.9.2"})
    assert recipe("cpu", target).jax == "0.9.2"
    without = target.model_copy(update={"requirements": None})
    with pytest.raises(UsageError, match=r"target cpu: jax = '0\.9\.2' takes the place"):
        recipe("cpu", without)


def test_a_recipe_holds_the_project_at_the_plan_s_revision(tmp_path: Path) -> None:
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"project": tmp_path})
    with_project = replace(plan("container"), target=target, revision="abc")
    assert recipe_of(with_project).project == Project(folder=tmp_path, revision="abc")
    assert recipe_of(plan("container")).project is None
