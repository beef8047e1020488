"""One run in which cases fail in every way: each is named, charged, and the others measured."""

from pathlib import Path
from typing import Any

import docker
import pytest

from tests.checkout import Checkout
from tests.command import Jaxrig, Outcome

CASES = (
    "matmul/256/f32",
    "matmul/256/bf16",
    "matmul/512/f32",
    "matmul/512/bf16",
    "matmul/1024/f32",
    "matmul/1024/bf16",
    "matmul/2048/f32",
    "matmul/1x4096x4096/f32",
    "activation/relu/64MiB/f32",
    "activation/silu/64MiB/f32",
    "dense/1/forward/f32",
    "dense/128/forward/f32",
)


@pytest.fixture(scope="module")
def jaxrig(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Jaxrig:
    folder = tmp_path_factory.mktemp("faults")
    checkout = Checkout.into(folder / "source")
    tests = Path(__file__).with_name("misbehaving.py").read_text()
    (checkout.folder / "workloads" / "test_cases.py").write_text(tests)
    (folder / "jaxrig.toml").write_text(
        "[targets.small]\n"
        'platform = "cpu"\n'
        'dockerfile = "cpu.Dockerfile"\n'
        'requirements = "cpu.requirements.txt"\n'
        'memory = "3GiB"\n'
        "case_limit_s = 20\n"
    )
    return Jaxrig(folder=folder, source=checkout.folder)


@pytest.fixture(scope="module")
def outcome(jaxrig: Jaxrig) -> Outcome:
    globs = [word for case in CASES for word in ("--case", case)]
    chosen = ("--suite", "standard", *globs)
    return jaxrig("run", "--target", "small", *chosen, "--launches", "2", timeout_s=900)


@pytest.fixture(scope="module")
def run(jaxrig: Jaxrig, outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 4, outcome.err
    run: dict[str, Any] = jaxrig.json("show", "latest")
    return run


def failures(run: dict[str, Any], case: str) -> list[tuple[str, str]]:
    return [(each["kind"], each["message"]) for each in run["failures"] if each["case"] == case]


def measured(run: dict[str, Any], case: str) -> int:
    return sum(each["case"] == case for each in run["measurements"])


def test_the_run_is_failed_and_says_where_to_look(run: dict[str, Any], outcome: Outcome) -> None:
    assert run["status"] == "failed"
    assert f"jaxrig show {run['run']} --log" in outcome.err


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("dense/128/forward/f32", "raised", "boom"),
        ("dense/1/forward/f32", "timed_out", "longer than 20 s"),
        ("matmul/1024/f32", "crashed", "exit code 3"),
        ("matmul/1024/bf16", "out_of_memory", "more memory than its limit"),
        ("activation/relu/64MiB/f32", "wrong_numbers", "error"),
        ("matmul/256/f32", "bad_record", "this is no record"),
        ("matmul/256/bf16", "bad_record", "100,000,000 bytes"),
        ("matmul/512/f32", "bad_record", "matmul/2048/f32"),
        ("matmul/512/bf16", "bad_record", "samples_s.0"),
        ("matmul/1x4096x4096/f32", "bad_record", "samples_s.0"),
    ],
)
def test_a_failure_is_named_charged_to_its_case_and_not_tried_again(
    run: dict[str, Any], case: str, kind: str, words: str
) -> None:
    found = failures(run, case)
    assert [each[0] for each in found][:1] == [kind]
    assert words in found[0][1]
    launches = {each["launch"] for each in run["failures"] if each["case"] == case}
    assert launches == {0}


def test_what_a_case_prints_is_no_record_and_lands_in_the_log(
    jaxrig: Jaxrig, run: dict[str, Any]
) -> None:
    assert failures(run, "matmul/2048/f32") == []
    assert measured(run, "matmul/2048/f32") == 2
    logs = "".join(each["log"] for each in run["launches"])
    assert "hello from a case" in logs
    assert "and from its C++" in logs


def test_a_good_measurement_beside_a_bad_line_is_kept(run: dict[str, Any]) -> None:
    for case in ("matmul/256/f32", "matmul/256/bf16", "matmul/512/f32"):
        assert measured(run, case) == 1


def test_nonsense_samples_are_never_stored(run: dict[str, Any]) -> None:
    for case in ("matmul/512/bf16", "matmul/1x4096x4096/f32"):
        assert measured(run, case) == 0
    assert all(sample > 0 for each in run["measurements"] for sample in each["samples_s"])


def test_the_rest_of_the_suite_went_on_in_further_processes(run: dict[str, Any]) -> None:
    assert measured(run, "activation/silu/64MiB/f32") == 2
    parts = [each["part"] for each in run["launches"] if each["launch"] == 0]
    assert parts == [0, 1, 2, 3]  # a crash, an out-of-memory and a time-out each ended one


def test_every_failure_is_shown(jaxrig: Jaxrig, run: dict[str, Any]) -> None:
    table = jaxrig("show", "latest").out
    for failure in run["failures"]:
        assert f"FAILED: {failure['case']} ({failure['kind']}, launch 0)" in table
