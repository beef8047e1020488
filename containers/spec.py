"""What is asked of an engine: a launch's command, environment and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1 << 20
GIB = 1 << 30

SCRATCH_VARIABLE = "JAXRIG_SCRATCH"
"""Tells a launch the directory on a disk that it may write to, where it was given one."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one launch. `None` leaves a resource to the engine's whole machine.

    `cpus`: a cpuset list as in `0-3,8`. CPU quotas are not offered: XLA sizes its thread
    pools by the CPUs that it sees, and a quota would throttle them at random moments.
    `tmp_bytes`, `shm_bytes`: sizes of the writable /tmp and /dev/shm, each a tmpfs; what they
    hold counts towards `memory_bytes`. Docker's own /dev/shm has 64 MiB.
    """

    cpus: str | None = None
    memory_bytes: int | None = None
    pids: int = 1024
    tmp_bytes: int = GIB
    shm_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class LaunchSpec:
    """One launch: `command` is what follows `python` on the command line.

    `platform`: what it computes on, as a target names it; AMD's GPUs and TPUs come with it.
    `gpus`: True for all that the engine has, or these, each by its number or its UUID.
    `scratch`: it needs a disk to write to; it is empty at first, and removed with the launch.
    `stdin`: it is told things while it runs (`Running.write`); else its stdin is at its end.
    `deadline_s`: seconds after which nobody can still want this launch; an engine marks
    what it starts with it, so that leftovers are recognised whoever left them.
    """

    command: tuple[str, ...]
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    platform: str = "cpu"
    gpus: bool | tuple[str, ...] = False
    scratch: bool = False
    stdin: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    deadline_s: float = 3600.0


def parse_cpuset(text: str) -> tuple[int, ...]:
    """CPU numbers in a cpuset list: `0-2,5` is (0, 1, 2, 5). Raises ValueError."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        numbers.update(range(int(first), int(last if dash else first) + 1))
    if not numbers:
        raise ValueError(f"no CPU in {text!r}")
    return tuple(sorted(numbers))
