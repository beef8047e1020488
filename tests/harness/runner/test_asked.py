"""What an engine is asked for, by plan and cases."""

import pytest

from containers.process_engine import ProcessEngine
from harness.runner.asked import CASE_LIMIT, measuring
from harness.runner.setup import Setup
from tests.checkout import ROOT
from tests.harness.runner.bench import plan
from tests.harness.samples import A

FRACTION = "XLA_PYTHON_CLIENT_MEM_FRACTION"
SETUP = Setup(engine=ProcessEngine(ROOT), image=None)


def test_turns_are_asked_for_with_a_stdin_to_tell_them() -> None:
    alone, in_turns = (measuring(plan(A), SETUP, (A,), rounds=rounds) for rounds in (None, {A: 21}))
    assert "--turns" not in alone.command
    assert not alone.stdin
    assert in_turns.command[:4] == ("-m", "workloads.launch", "--turns", "21")
    assert in_turns.stdin


@pytest.mark.parametrize(
    ("gpus", "rounds", "env", "expected"),
    [
        (True, 21, {}, "0.45"),
        (True, 21, {FRACTION: "0.3"}, "0.3"),
        (True, None, {}, None),
        (False, 21, {}, None),
    ],
)
def test_two_sides_share_a_device_s_memory(
    gpus: bool, rounds: int | None, env: dict[str, str], expected: str | None
) -> None:
    in_turns = None if rounds is None else {A: rounds}
    spec = measuring(plan(A, gpus=gpus, env=env), SETUP, (A,), rounds=in_turns)
    assert spec.env.get(FRACTION) == expected


@pytest.mark.parametrize(
    ("platform", "expected"), [("cuda", "0.45"), ("rocm", "0.45"), ("tpu", None), ("cpu", None)]
)
def test_so_do_gpus_that_need_no_asking_for(platform: str, expected: str | None) -> None:
    spec = measuring(plan(A, platform=platform), SETUP, (A,), rounds={A: 21})
    assert (spec.platform, spec.env.get(FRACTION)) == (platform, expected)


def test_a_gpu_s_launch_knows_how_long_a_case_may_take() -> None:
    spec = measuring(plan(A, gpus=True, case_limit_s=90.0), SETUP, (A,))
    assert spec.env[CASE_LIMIT] == "90"
    assert CASE_LIMIT not in measuring(plan(A), SETUP, (A,)).env


def test_a_profile_is_asked_for_with_the_devices_of_its_cases() -> None:
    case = "collective/all-reduce/16MiB-x2/f32"
    spec = measuring(plan(case), SETUP, (case,), profiled=True)
    assert spec.command[1:] == ("workloads.launch", "--devices", "2", "--profile", f"--case={case}")
    assert "--profile" not in measuring(plan(A), SETUP, (A,)).command
