"""Whether an engine holds launches to what a target bounds: a rootless one cannot everywhere, and
starts a container all the same."""

from collections.abc import Mapping
from typing import Any

from containers.errors import LaunchRefused
from containers.spec import Limits

_SAID = {"cpus": "CPUSet", "memory": "MemoryLimit", "pids": "PidsLimit"}

WAY_OUT = (
    "a rootless engine can where cgroups are of version 2 and cpuset, memory and pids are "
    "delegated to its user; else use the engine of root, or measure without one: "
    "--isolation process"
)


def unbound(info: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of a target that the engine would leave out of a launch. `info`: what it says of itself.

    Podman, which is who tells `Rootless`, says the same wherever it runs: it leaves them out on
    cgroups of version 1, and where it may not set them on version 2, it refuses the launch.
    """
    if "Rootless" in info:
        return tuple(_SAID) if info["Rootless"] and info["CgroupVersion"] == "1" else ()
    return tuple(key for key, said in _SAID.items() if not info.get(said))


def check_bounds(limits: Limits, info: Mapping[str, Any]) -> None:
    """Raises `LaunchRefused` where a limit that is asked for would bind nothing."""
    asked = {"cpus": limits.cpus, "memory": limits.memory_bytes, "pids": limits.pids}
    if missing := [key for key in unbound(info) if asked[key] is not None]:
        raise LaunchRefused(
            f"the engine cannot hold a launch to its {', '.join(missing)}: {WAY_OUT}"
        )
