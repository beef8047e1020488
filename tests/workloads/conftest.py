"""Small cases: the catalogue's, at sizes that take milliseconds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jax
import pytest

from tests.workloads.nvml.gpu import FakeGpu, compiled
from workloads import builders
from workloads.case import Case
from workloads.catalog import find
from workloads.nvml import gpus_by
from workloads.problem import Problem

Small = Callable[..., Case]

SMALL: dict[str, tuple[str, dict[str, int | float | str]]] = {
    "matmul": ("matmul/2048", {"m": 48, "k": 64, "n": 40}),
    "activation": ("activation/relu/4MiB", {"rows": 48, "columns": 256}),
    "dense": ("dense/128/forward", {"batch": 16, "inputs": 64, "outputs": 48}),
    "dense/backward": ("dense/128/backward", {"batch": 16, "inputs": 64, "outputs": 48}),
    "transformer": (
        "transformer/nano/forward",
        {"vocab": 64, "layers": 2, "d_model": 32, "heads": 4, "ffn": 48, "batch": 2, "context": 24},
    ),
    "convolution": (
        "convolution/8x32x32x16-3x3s1-16/forward",
        {"size": 8, "kernel": 3, "stride": 1, "inputs": 3, "outputs": 4, "batch": 2},
    ),
    "mlp": ("mlp/digits/forward", {}),
    "dispatch": ("dispatch/call", {}),
    "storage": (
        "storage/nano/restore-warm",
        {"vocab": 16, "layers": 1, "d_model": 8, "heads": 2, "ffn": 8},
    ),
    "collective": ("collective/all-reduce/1MiB-x2", {"elements": 1024}),
    "link": ("link/1MiB/to-device", {"elements": 1024}),
    "memory": ("memory/triad/64MiB", {"elements": 4096}),
    "vision": ("vision/vit-s16/forward", {"model": "vit-tiny", "batch": 2, "distinct": 2}),
    "recommender": ("recommender/medium/forward", {"size": "small", "batch": 32}),
}


def build(case: Case) -> Problem:
    """The compiled kind of problem, as most are."""
    problem = builders.build(case)
    assert isinstance(problem, Problem)
    return problem


@pytest.fixture
def small() -> Small:
    """`small(workload, dtype, **parameters)`: a case of that workload, small by default."""

    def make(workload: str, dtype: str = "f32", **parameters: float | str) -> Case:
        like, sizes = SMALL[workload]
        case = find(f"{like}/{dtype}")
        changed = {**case.parameters, **sizes, **parameters}
        return replace(case, id=f"{workload}/small/{dtype}", dtype=dtype, parameters=changed)

    return make


@pytest.fixture
def hasty() -> Iterator[None]:
    """Compiles without most of XLA's passes: for what is compiled only to be refused."""
    jax.config.update("jax_disable_most_optimizations", True)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's management library, as a fake."""
    return compiled(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def gpu(nvml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGpu]:
    """What a GPU says in this process."""
    gpus_by.cache_clear()
    yield FakeGpu(nvml, tmp_path / "nvml", monkeypatch)
    gpus_by.cache_clear()
