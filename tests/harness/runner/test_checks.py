"""What a launch may say of where it ran before anything of it is kept."""

import pytest

from containers import owner
from containers.accelerators import missing
from harness.errors import EnvironmentFailure
from harness.runner import checks
from harness.runner.checks import check_environment
from tests.harness.runner.bench import TARGET
from tests.harness.samples import (
    parsed_environment,
)


def test_the_right_platform_on_this_machine_is_accepted() -> None:
    check_environment("cpu", TARGET, parsed_environment(boot_id=owner.boot_id()))
    check_environment("cpu", TARGET, parsed_environment(boot_id=None))


@pytest.mark.parametrize(
    ("platform", "found", "advice"),
    [
        ("cuda", "cpu", "nvidia-smi"),
        ("cuda", "cpu", "NVIDIA Container Toolkit"),
        ("cuda", "cpu", "gpus = true"),
        ("cpu", "cuda", 'JAX_PLATFORMS = "cpu"'),
        ("tpu", "metal", "nothing was recorded"),
        ("tpu", "cpu", "no other process holds the TPU"),
        ("rocm", "cpu", "rocminfo"),
    ],
)
def test_the_wrong_platform_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, platform: str, found: str, advice: str
) -> None:
    monkeypatch.setattr(checks, "missing", lambda _: None)  # a driver is there
    target = TARGET.model_copy(update={"platform": platform})
    with pytest.raises(EnvironmentFailure) as refused:
        check_environment("mine", target, parsed_environment(platform=found))
    message = str(refused.value)
    assert f"target mine is for platform {platform}, but JAX found {found} (cpu)" in message
    assert advice in message


@pytest.mark.parametrize(
    ("platform", "advice"),
    [("rocm", "There is no AMD GPU here: no /dev/kfd; install"), ("tpu", "There is no TPU here")],
)
def test_a_device_file_that_is_not_there_is_the_reason(platform: str, advice: str) -> None:
    if missing(platform) is None:
        pytest.skip("there is such a device here")
    target = TARGET.model_copy(update={"platform": platform})
    with pytest.raises(EnvironmentFailure, match=f"nothing was recorded. {advice}"):
        check_environment("mine", target, parsed_environment())


def test_what_a_launch_found_out_of_its_gpu_is_the_way_out() -> None:
    target = TARGET.model_copy(update={"platform": "cuda"})
    found = parsed_environment(no_gpu="driver 535 is too old: install a newer one")
    with pytest.raises(EnvironmentFailure, match="Driver 535 is too old") as refused:
        check_environment("mine", target, found)
    assert "Container Toolkit" not in str(refused.value)


def test_an_engine_on_another_machine_is_refused() -> None:
    with pytest.raises(EnvironmentFailure, match=r"DOCKER_HOST.*another machine"):
        check_environment("cpu", TARGET, parsed_environment(boot_id="another"))


def test_only_one_s_own_can_do_without_jax() -> None:
    without = parsed_environment(platform="none", jax=None, jaxlib=None, device_kinds=[])
    check_environment("cpu", TARGET, without, own=True)
    with pytest.raises(EnvironmentFailure, match="JAX found none"):
        check_environment("cpu", TARGET, without)
    with_jax = parsed_environment(platform="none", device_kinds=["no plugin"])
    with pytest.raises(EnvironmentFailure, match="no plugin"):
        check_environment("cpu", TARGET, with_jax, own=True)
