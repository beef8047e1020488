"""Can this case run here at all? Asked before anything of it is made."""

import re
from pathlib import Path

import jax

from workloads.case import Case
from workloads.environment import canonical_platform

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),  # cgroup v2
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # cgroup v1
)
_MEMINFO = Path("/proc/meminfo")


class Unsuitable(Exception):
    """A case that cannot run here, and why; no failure of the case."""


def check(case: Case) -> None:
    """Raises `Unsuitable` for another platform, too few devices, or too little memory."""
    device = jax.local_devices()[0]
    platform = canonical_platform(device.platform, device.client.platform_version)
    if case.platforms and platform not in case.platforms:
        raise Unsuitable(f"needs platform {' or '.join(case.platforms)}; this is {platform}")
    if jax.device_count() < case.devices:
        raise Unsuitable(f"needs {case.devices} devices; there are {jax.device_count()}")
    for where, there in {"host": host_bytes(), "device": device_bytes()}.items():
        if there is not None and case.memory_bytes > there:
            raise Unsuitable(
                f"may need {case.memory_bytes / 2**30:.2f} GiB of {where} memory; "
                f"there are {there / 2**30:.2f} GiB"
            )


def host_bytes() -> int | None:
    """The most memory that this process can have: its limit, or what the machine has."""
    limits = [int(text) for path in _LIMITS if (text := _read(path)).isdecimal()]
    total = _meminfo_bytes("MemTotal")
    return min([*limits, *([] if total is None else [total])], default=None)


def available_bytes() -> int | None:
    """What the machine can give without swapping, whatever this process's limit is."""
    return _meminfo_bytes("MemAvailable")


def device_bytes() -> int | None:
    """Memory that JAX may take of its device; None where it does not tell (CPU)."""
    limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    return None if limit is None else int(limit)


def _meminfo_bytes(name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", _read(_MEMINFO), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
