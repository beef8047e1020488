"""Outcomes of real pytest runs, in processes of their own, as records."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import records
from tests.workloads.nvml.gpu import FakeGpu
from workloads import recorder
from workloads.numerics import WrongNumbers
from workloads.recorder import explained, failure_kind

RUN = """
import json, sys, pytest
from workloads.recorder import Recorder
out = open(sys.argv[1], "w")
recorder = Recorder(lambda record: print(json.dumps(record), file=out, flush=True))
pytest.main([sys.argv[2], "-q", "-p", "no:cacheprovider", "-c", "/dev/null"], plugins=[recorder])
"""

TESTS = """
import pytest
from workloads.recorder import RECORD
from workloads.catalog import find

@pytest.fixture
def broken(): raise OSError("no device")

@pytest.fixture
def leaves_badly():
    yield
    raise ValueError("bad end")

@pytest.mark.parametrize("case", [find("matmul/256/f32")])
def test_measured(case, request): request.node.stash[RECORD] = {"kind": "measurement"}
def test_forgetful(): pass
def test_skipped(): pytest.skip("not today")
def test_without_fixture(broken): pass
def test_bad_end(leaves_badly, request): request.node.stash[RECORD] = {"kind": "measurement"}
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return recorded(tmp_path_factory.mktemp("recorder") / "test_outcomes.py", TESTS)


def recorded(tests: Path, text: str) -> list[dict[str, Any]]:
    """The records of a pytest run of `text`, written to the file `tests`."""
    out = tests.with_suffix(".records")
    tests.write_text(text)
    subprocess.run([sys.executable, "-c", RUN, out, tests], capture_output=True, check=True)
    return [json.loads(line) for line in out.read_text().splitlines()]


def failures(outcomes: list[dict[str, Any]], case: str) -> list[str]:
    return [r["message"] for r in outcomes if r["kind"] == "failure" and r["case"] == case]


def test_every_case_is_announced_by_its_id(outcomes: list[dict[str, Any]]) -> None:
    started = [r["case"] for r in outcomes if r["kind"] == "case_started"]
    assert started[0] == "matmul/256/f32"
    assert len(started) == 5


def test_a_measurement_follows_its_announcement(outcomes: list[dict[str, Any]]) -> None:
    assert [record["kind"] for record in outcomes[:3]] == [
        "case_started",
        "measurement",
        "case_started",
    ]


def test_a_pass_without_a_record_is_a_failure(outcomes: list[dict[str, Any]]) -> None:
    assert failures(outcomes, "test_forgetful") == ["the test passed, but left no record"]


def test_a_skip_is_told_with_its_reason_and_is_no_failure(outcomes: list[dict[str, Any]]) -> None:
    assert failures(outcomes, "test_skipped") == []
    [skip] = [each for each in outcomes if each["kind"] == "skipped"]
    assert skip == {"schema": 2, "kind": "skipped", "case": "test_skipped", "reason": "not today"}


def test_a_failing_fixture_is_a_failure(outcomes: list[dict[str, Any]]) -> None:
    [message] = failures(outcomes, "test_without_fixture")
    assert message.startswith("OSError: no device\n")
    assert "in broken" in message


def test_a_bad_end_is_told_beside_the_measurement(outcomes: list[dict[str, Any]]) -> None:
    [message] = failures(outcomes, "test_bad_end")
    assert message.startswith("ValueError: bad end")


def test_the_end_counts_measurements(outcomes: list[dict[str, Any]]) -> None:
    assert outcomes[-1] == {"schema": 2, "kind": "finished", "cases": 2}


def test_an_interrupted_session_does_not_claim_an_end(tmp_path: Path) -> None:
    kinds = [
        record["kind"]
        for record in recorded(
            tmp_path / "test_interrupted.py", "def test_stopped(): raise KeyboardInterrupt"
        )
    ]
    assert kinds == ["case_started"]


def test_records_are_what_the_host_accepts(outcomes: list[dict[str, Any]]) -> None:
    for record in outcomes:
        if record["kind"] != "measurement":
            records.parse(json.dumps(record).encode())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WrongNumbers("off"), "wrong_numbers"),
        (MemoryError(), "out_of_memory"),
        (ValueError("a case named out of memory"), "raised"),
    ],
)
def test_kinds_of_failure(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind


def test_a_gpu_whose_memory_did_not_suffice_is_told_of_first(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
    assert explained(refused).startswith("RuntimeError: ")  # of whatever runs on a CPU
    monkeypatch.setattr(recorder, "started_platform", lambda: "cuda")
    first, second, *_ = explained(refused).splitlines()
    assert first.startswith("out of memory: the GPU has 80.0 GiB")
    assert second.startswith("RuntimeError: RESOURCE_EXHAUSTED")
    assert explained(MemoryError()).startswith("MemoryError")  # of the host's
    assert explained(ValueError("no")).startswith("ValueError")
