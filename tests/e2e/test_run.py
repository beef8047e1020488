"""A suite in containers, from the command to the stored samples and back."""

import json
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.checkout import Checkout
from tests.command import Jaxrig, Outcome
from workloads import catalog

CASES = ("--case", "matmul/256/*", "--case", "dense/1/forward/f32")
IDS = ["matmul/256/f32", "matmul/256/bf16", "dense/1/forward/f32"]


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    return Jaxrig(folder=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def first(jaxrig: Jaxrig) -> Outcome:
    return jaxrig("run", *CASES, "--launches", "2", "--tag", "night=1", timeout_s=900)


@pytest.fixture(scope="module")
def shown(jaxrig: Jaxrig, first: Outcome) -> dict[str, Any]:
    assert first.code == 0, first.err
    shown: dict[str, Any] = jaxrig.json("show", "latest")
    return shown


def test_a_run_ends_well_and_prints_every_case(first: Outcome) -> None:
    assert first.code == 0, first.err
    for case in IDS:
        assert f"\n{case} " in first.out
    assert "\nnext:\n  jaxrig show" in first.err


def test_progress_goes_to_stderr_as_plain_lines(first: Outcome) -> None:
    assert "launch 2/2  dense/1/forward/f32" in first.err
    assert "\x1b" not in first.err
    assert "launch 2/2" not in first.out


def test_every_launch_measured_every_case(shown: dict[str, Any]) -> None:
    measured = [(each["launch"], each["case"]) for each in shown["measurements"]]
    assert measured == [(launch, case) for launch in (0, 1) for case in IDS]
    assert shown["failures"] == []
    assert [each["status"] for each in shown["launches"]] == ["done", "done"]


def test_everything_known_about_a_measurement_is_kept(shown: dict[str, Any]) -> None:
    for each in shown["measurements"]:
        assert len(each["samples_s"]) == each["rounds"] >= 7
        assert min(each["samples_s"]) <= each["median_s"] <= max(each["samples_s"])
        assert each["compile_s"] > 0
        assert each["first_call_s"] > 0
        assert each["numerics_error"] <= each["numerics_tolerance"]
        assert each["peak_rss_bytes"] > 50 << 20
        assert each["alias_bytes"] == each["output_bytes"] > 0
        assert each["device_peak_bytes"] is None  # a CPU does not tell; never a zero
        assert len(each["hlo_sha256"]) == 64
    product = shown["measurements"][0]
    assert product["flops"] == 2 * 256**3 == product["xla_flops"]
    assert product["bytes"] == 3 * 256**2 * 4


def test_what_is_in_the_image_is_known_afterwards(jaxrig: Jaxrig, shown: dict[str, Any]) -> None:
    bill = json.loads(jaxrig("images", "sbom", shown["image"]).out)
    found = {each["bom-ref"]: each for each in bill["components"]}
    environment = shown["launches"][0]["environment"]
    assert found["python:jax"]["version"] == environment["jax"]
    assert found["runtime:python"]["version"] == environment["python"]
    assert found["distribution:debian"]["version"]
    assert any(each.startswith("dpkg:libc6:") for each in found)
    assert "distribution" not in environment


def test_both_launches_ran_the_same_compiled_code(shown: dict[str, Any]) -> None:
    hashes = {(each["case"], each["hlo_sha256"]) for each in shown["measurements"]}
    assert len(hashes) == len(IDS)


def test_the_environment_of_each_launch_is_kept(shown: dict[str, Any]) -> None:
    for launch in shown["launches"]:
        environment = launch["environment"]
        assert environment["platform"] == "cpu"
        assert environment["python"].startswith("3.13.")
        assert environment["packages"]["jax"] == environment["jax"]
        assert environment["variables"]["JAX_PLATFORMS"] == "cpu"
        assert environment["compilation_cache"] is False
        assert launch["limits"]["memory_bytes"] > 1 << 30
        assert launch["noise"]["duration_s"] > 1


def test_the_image_is_named_by_its_digest(
    shown: dict[str, Any], engine: docker.DockerClient
) -> None:
    image = engine.images.get(shown["image"])
    assert image.id == shown["image"]
    assert any(tag.startswith("jaxrig/cpu:") for tag in image.tags)


def test_no_container_is_left(shown: dict[str, Any], engine: docker.DockerClient) -> None:
    label = f"jaxrig.run={shown['run']}"
    assert engine.containers.list(all=True, filters={"label": label}) == []


def test_a_second_run_builds_nothing_and_can_be_compared(jaxrig: Jaxrig, first: Outcome) -> None:
    second = jaxrig("run", "--case", "dense/1/forward/f32", "--launches", "1")
    assert second.code == 0, second.err
    assert "building" not in second.err
    assert "adding the workloads" not in second.err

    comparison = jaxrig.json("compare", "night=1", "latest")
    assert comparison["differences"] == []  # image, limits, variables, software: all alike
    assert comparison["candidate"] > comparison["base"]  # names sort by time
    by_case = {each["case"]: each for each in comparison["cases"]}
    assert by_case["matmul/256/f32"]["presence"] == "removed"
    both = by_case["dense/1/forward/f32"]
    # With no other runs there nobody knows what runs of this machine scatter.
    assert both["ratio"] > 0
    assert (both["low"], both["verdict"]) == (None, "unclear")
    assert "spread between runs unknown" in both["settle"]
    assert both["differences"] == []


def test_runs_and_machines_are_listed(jaxrig: Jaxrig, shown: dict[str, Any]) -> None:
    oldest = jaxrig.json("runs")[-1]
    assert (oldest["run"], oldest["status"]) == (shown["run"], "done")
    assert (oldest["measurements"], oldest["failures"]) == (6, 0)
    assert oldest["tags"] == {"night": "1"}
    machines = jaxrig.json("machines")
    assert [each["machine"] for each in machines] == [shown["machine"]]


def test_a_plain_process_is_marked_as_such(jaxrig: Jaxrig, first: Outcome) -> None:
    done = jaxrig("run", "--case", "matmul/256/f32", "--launches", "1", "--isolation", "process")
    assert done.code == 0, done.err
    assert "as a plain process" in done.out
    run = jaxrig.json("show", "latest")
    assert (run["isolation"], run["image"]) == ("process", None)
    assert len(run["measurements"]) == 1
    differences = jaxrig.json("compare", "night=1", "latest")["differences"]
    assert "isolation: container → process" in differences
    assert any(each.startswith("limits.") for each in differences)


def test_an_edited_workload_makes_another_image_and_wrong_numbers_are_refused(
    tmp_path: Path, shown: dict[str, Any]
) -> None:
    checkout = Checkout.into(tmp_path / "source")
    checkout.edit(
        "workloads/matmul.py", "return jnp.matmul(a, b,", "return 1.01 * jnp.matmul(a, b,"
    )
    (tmp_path / "runs").mkdir()
    jaxrig = Jaxrig(folder=tmp_path / "runs", source=checkout.folder)
    done = jaxrig("run", *CASES, "--launches", "1")
    assert done.code == 4, done.err
    run = jaxrig.json("show", "latest")
    assert run["status"] == "failed"
    assert run["image"] != shown["image"]
    assert [each["case"] for each in run["measurements"]] == ["dense/1/forward/f32"]
    assert [(each["case"], each["kind"]) for each in run["failures"]] == [
        ("matmul/256/f32", "wrong_numbers"),
        ("matmul/256/bf16", "wrong_numbers"),
    ]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> dict[str, Any]:
    """The whole suite once."""
    jaxrig = Jaxrig(folder=tmp_path_factory.mktemp("quick"))
    done = jaxrig("run", "--suite", "quick", "--launches", "1", "--format", "json", timeout_s=900)
    assert done.code == 0, done.err
    run: dict[str, Any] = json.loads(done.out)
    return run


def test_the_quick_suite_measures_every_case(quick: dict[str, Any]) -> None:
    expected = [case.id for case in catalog.CASES if "quick" in case.suites]
    assert [each["case"] for each in quick["measurements"]] == expected


def test_every_output_is_written_in_place_and_temporaries_are_remarked(
    quick: dict[str, Any],
) -> None:
    for each in quick["measurements"]:
        if each["hlo_sha256"] is None:
            continue  # nothing is compiled, so nothing is told
        assert each["alias_bytes"] == each["output_bytes"], each["case"]
        if not each["bytes"]:
            continue  # the empty computation
        faulted = each["minor_faults"] * 4096 / (each["rounds"] * each["calls_per_round"])
        remarked = any("faults in" in warning for warning in each["warnings"])
        assert remarked or faulted < 0.2 * each["bytes"], each["case"]


def test_device_time_is_had_in_a_launch_of_its_own(jaxrig: Jaxrig) -> None:
    cases = ["matmul/256/f32", "collective/all-reduce/1MiB-x2/f32"]
    chosen = [word for case in cases for word in ("--case", case)]
    done = jaxrig("run", *chosen, "--launches", "1", "--profile", timeout_s=900)
    assert done.code == 0, done.err
    assert "jaxrig profile" in done.err
    shown, profiles = jaxrig.json("show", "latest"), jaxrig.json("profile", "latest")
    assert [(each["case"], each["launch"]) for each in shown["measurements"]] == [
        (case, 0) for case in cases
    ]
    assert [(each["case"], each["launch"]) for each in profiles] == [(case, 1) for case in cases]
    for each in profiles:
        assert 0 < each["device_s"] <= each["wall_s"]
        assert each["operations"]
