"""Who else uses this machine's GPUs."""

import subprocess
from dataclasses import dataclass

from harness.report import quantity

_FIELDS = "gpu_uuid,pid,process_name,used_memory"
_PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A process that computes on a GPU. `used_bytes`: of its memory; None: that is not told."""

    gpu: str
    pid: str
    name: str
    used_bytes: int | None

    def __str__(self) -> str:
        size = "an unknown amount" if self.used_bytes is None else quantity.size(self.used_bytes)
        return f"{self.name} (process {self.pid}) uses {size} of {self.gpu}"


def tenants() -> tuple[Tenant, ...]:
    """As nvidia-smi lists them; none where there is no NVIDIA driver."""
    command = ["nvidia-smi", f"--query-compute-apps={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(_tenant(line) for line in done.stdout.splitlines() if line.count(", ") >= 3)


def _tenant(line: str) -> Tenant:
    gpu, pid, rest = line.split(", ", 2)
    name, _, mebibytes = rest.rpartition(", ")  # a program's name may hold anything
    used = int(mebibytes) << 20 if mebibytes.isdecimal() else None
    return Tenant(gpu=gpu, pid=pid, name=name, used_bytes=used)
