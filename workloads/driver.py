"""Why there is no GPU, or not enough of it, in words that say what to do."""

import re
from importlib.metadata import distributions

from workloads import nvml

_PLUGIN = re.compile(r"jax[-_]cuda(\d+)[-_]plugin")

_OLDEST_DRIVERS = {12: "525.60", 13: "580.65"}
"""By the CUDA that a driver must know, on Linux:
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html"""

_OF_OTHERS_BYTES = 1 << 30
"""Of a GPU's memory, from which it is said: the driver keeps some hundred megabytes for itself."""


def why_no_gpu() -> str | None:
    """Why JAX can have found no GPU, though its plugin for CUDA is installed. None where that is
    not installed, or where the driver and a GPU are there: JAX's own words then tell."""
    wanted = plugin_cuda()
    if wanted is None:
        return None
    try:
        driver = nvml.driver()
        if driver.cuda[0] < wanted:
            return _too_old(driver, wanted)
        nvml.gpus()
    except nvml.Unread as error:
        return (
            f"no NVIDIA driver, or no GPU, reaches this launch ({error}): nvidia-smi must find a "
            "GPU on this machine, and in containers the NVIDIA Container Toolkit must hand it over"
        )
    return None


def plugin_cuda() -> int | None:
    """The CUDA that JAX's plugin is made for, as 13; None where none is installed."""
    names = (each.metadata["Name"] or "" for each in distributions())
    found = [int(matched[1]) for name in names if (matched := _PLUGIN.fullmatch(name))]
    return max(found, default=None)


def _too_old(driver: nvml.Driver, wanted: int) -> str:
    known, minor = driver.cuda
    oldest = _OLDEST_DRIVERS.get(wanted)
    newer = f"{oldest} or newer" if oldest else f"one that knows CUDA {wanted}"
    return (
        f"driver {driver.version} knows CUDA {known}.{minor}, and JAX is installed for CUDA "
        f"{wanted}: install a newer driver ({newer}), or measure a target with jax[cuda{known}]"
    )


def memory_told() -> str | None:
    """How much memory the GPU has, and what of it others had taken; None where nobody can tell."""
    try:
        memory = nvml.gpus()[0].memory_at_first
    except nvml.Unread:
        return None
    if memory is None:
        return None
    total = f"the GPU has {memory.total_bytes / 2**30:.1f} GiB"
    if memory.used_bytes < _OF_OTHERS_BYTES:
        return f"{total}, and nobody else uses it: measure a smaller case, or on a larger GPU"
    return (
        f"{total}, of which others had taken {memory.used_bytes / 2**30:.1f} GiB when this launch "
        "began: end them (nvidia-smi names them), choose another GPU, or measure a smaller case"
    )
