"""Why there is no GPU, or too little of it: each in words that say what to do."""

from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tests.workloads.nvml.gpu import FakeGpu
from workloads import driver
from workloads.driver import memory_told, plugin_cuda, why_no_gpu

GIB = 1 << 30


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """As if these were all distributions that there are."""

    def distributions() -> Iterator[Distribution]:
        for name in names:
            metadata = folder / f"{name}.dist-info"
            metadata.mkdir(exist_ok=True)
            (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            yield Distribution.at(metadata)

    monkeypatch.setattr(driver, "distributions", distributions)


@pytest.fixture
def cuda13(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, "jax", "jax-cuda13-plugin")


@pytest.mark.parametrize(
    ("names", "cuda"),
    [
        (("jax", "jaxlib"), None),
        (("jax-cuda13-plugin", "jax-cuda13-pjrt"), 13),
        (("jax_cuda12_plugin",), 12),
        (("jax-cuda-plugin-of-mine", "jax-rocm7-plugin"), None),
    ],
)
def test_the_plugin_tells_its_cuda(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: tuple[str, ...], cuda: int | None
) -> None:
    installed(monkeypatch, tmp_path, *names)
    assert plugin_cuda() == cuda


def test_without_the_plugin_nobody_asks_for_a_gpu(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, "jax")
    gpu.says(init=9)
    assert why_no_gpu() is None


@pytest.mark.usefixtures("cuda13")
def test_where_driver_and_gpu_are_there_it_is_not_for_us_to_say(gpu: FakeGpu) -> None:
    assert why_no_gpu() is None
    gpu.says(cuda=14020)
    assert why_no_gpu() is None


@pytest.mark.usefixtures("cuda13")
def test_a_driver_that_is_too_old_is_named_with_one_that_is_not(gpu: FakeGpu) -> None:
    gpu.says(driver="535.104.05", cuda=12020)
    said = why_no_gpu()
    assert said is not None
    assert said.startswith("driver 535.104.05 knows CUDA 12.2, and JAX is installed for CUDA 13:")
    assert "580.65 or newer" in said
    assert "jax[cuda12]" in said


@pytest.mark.usefixtures("cuda13")
@pytest.mark.parametrize("answers", [{"init": 9}, {"count": 0}, {"cuda": None}])
def test_no_driver_or_no_gpu_is_said(gpu: FakeGpu, answers: dict[str, int | None]) -> None:
    gpu.says(**answers)
    said = why_no_gpu()
    assert said is not None
    assert "NVIDIA Container Toolkit" in said
    assert "NVML: " in said


def test_memory_is_told_with_what_others_had_taken(gpu: FakeGpu) -> None:
    gpu.says(total_bytes=80 * GIB, used_bytes=70 * GIB)
    assert memory_told() == (
        "the GPU has 80.0 GiB, of which others had taken 70.0 GiB when this launch began: end them "
        "(nvidia-smi names them), choose another GPU, or measure a smaller case"
    )
    gpu.says(used_bytes=79 * GIB)  # by now also by this process
    assert "70.0 GiB when" in (memory_told() or "")


def test_a_gpu_of_one_s_own_is_too_small(gpu: FakeGpu) -> None:
    said = memory_told()
    assert said == (
        "the GPU has 80.0 GiB, and nobody else uses it: measure a smaller case, or on a larger GPU"
    )


@pytest.mark.parametrize("answers", [{"init": 9}, {"used_bytes": None}])
def test_memory_that_nobody_tells_is_not_made_up(
    gpu: FakeGpu, answers: dict[str, int | None]
) -> None:
    gpu.says(**answers)
    assert memory_told() is None
