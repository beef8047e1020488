"""The first record of a launch: the software and devices that are about to be measured.

`python -m workloads.environment` prints it. Importing this never imports JAX.
"""

import importlib.util
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

from workloads.distribution import distribution
from workloads.driver import why_no_gpu
from workloads.stream import SCHEMA_VERSION

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_VARIABLES = (
    *("JAX_", "XLA_", "LIBTPU_", "TF_", "CUDA_", "NVIDIA_", "NCCL_"),
    *("ROCR_", "HIP_", "HSA_"),
    *("OMP_", "OPENBLAS_", "MKL_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD"),
)
"""Beginnings of the names of variables that change what is computed, or how fast."""


REASON_CHARACTERS = 1000


class UnknownPlatform(Exception):
    """JAX runs on something that the record schema has no word for."""


def environment() -> dict[str, Any]:
    """The environment record. Starts JAX's backend.

    Where JAX finds no device at all, `platform` is `none` and `device_kinds` holds its reason.
    `no_gpu`: why it found no GPU, where it should have.
    """
    why = why_no_gpu()  # before JAX takes memory: what is used of it then is others'
    import jax

    try:
        devices = jax.devices()
        found = {
            "platform": canonical_platform(devices[0].platform, devices[0].client.platform_version),
            "device_kinds": [device.device_kind for device in devices],
            "device_count": len(devices),
        }
    except (RuntimeError, AssertionError) as error:  # JAX asserts where JAX_PLATFORMS has no plugin
        found = nothing_found(no_device(error))
    no_gpu = None if found["platform"] == "cuda" else why
    return {**software(), **found, "no_gpu": no_gpu, "compilation_cache": compilation_cache()}


def environment_apart() -> dict[str, Any]:
    """The environment record without JAX in this process: a child asks it.

    What is about to be measured here may want to set JAX up itself, or do without. Where JAX
    is not installed, `jax` and `jaxlib` are None, `platform` is `none`, and no device is named.
    """
    if importlib.util.find_spec("jax") is None:
        return {**software(), **nothing_found(), "compilation_cache": False}
    child = subprocess.run(
        [sys.executable, "-m", __name__], capture_output=True, text=True, check=False
    )
    if child.returncode == 0:
        record: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
        return record
    reason = f"JAX cannot be started: {child.stderr.strip()[-REASON_CHARACTERS:]}"
    return {**software(), **nothing_found(reason), "compilation_cache": False}


def software() -> dict[str, Any]:
    """The part of the record that needs no JAX."""
    return {
        "schema": SCHEMA_VERSION,
        "kind": "environment",
        "python": platform.python_version(),
        "jax": installed("jax"),
        "jaxlib": installed("jaxlib"),
        "packages": packages(),
        "distribution": distribution(),
        "variables": variables(),
        "visible_cpus": sorted(os.sched_getaffinity(0)),
        "boot_id": boot_id(),
    }


def nothing_found(*reasons: str) -> dict[str, Any]:
    """The part of the record that tells of devices, where there are none."""
    return {"platform": "none", "device_kinds": list(reasons), "device_count": 0}


def installed(package: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def started_platform() -> str | None:
    """What JAX runs on in this process; None where nothing has started it. Never starts it."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    # Where JAX cannot be asked any more, being imported counts as being started.
    if bridge is None or not getattr(bridge, "backends_are_initialized", lambda: True)():
        return None
    import jax

    device = jax.local_devices()[0]
    return canonical_platform(device.platform, device.client.platform_version)


def no_device(error: Exception) -> str:
    """Why JAX found nothing to run on, bounded in length."""
    wanted = os.environ.get("JAX_PLATFORMS", "unset")
    reason = str(error) or "it has no plugin for what it was asked for"
    return f"JAX_PLATFORMS={wanted}: {reason}"[:REASON_CHARACTERS]


def canonical_platform(name: str, described: str) -> str:
    """The schema's word for JAX's platform: a `gpu` is `cuda` or `rocm` by its version text.

    Raises `UnknownPlatform` for a GPU of neither kind.
    """
    if name not in ("gpu", "cuda", "rocm"):
        return name.lower()
    for word in ("cuda", "rocm"):
        if word in f"{name} {described}".lower():
            return word
    raise UnknownPlatform(f"a GPU that is neither CUDA nor ROCm: {described!r}")


def variables() -> dict[str, str]:
    """The variables that matter, sorted; bytes that are no text are escaped."""
    return {
        name: value.encode(errors="backslashreplace").decode()
        for name, value in sorted(os.environ.items())
        if name.startswith(_VARIABLES)
    }


def packages() -> dict[str, str]:
    """Version of every installed distribution, by name, sorted.

    What a broken uninstall leaves behind has no name (its metadata is gone) and is no package.
    """
    found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def boot_id(source: Path = _BOOT_ID) -> str | None:
    """The running kernel's boot id, None where it is not told."""
    try:
        return source.read_text().strip()
    except OSError:
        return None


def compilation_cache() -> bool:
    """Whether compiled programs may come from JAX's persistent cache."""
    import jax

    settings = jax.config.values
    enabled = bool(settings["jax_enable_compilation_cache"])
    return enabled and bool(settings["jax_compilation_cache_dir"])


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(environment())}\n")
