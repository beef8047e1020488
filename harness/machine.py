"""The hardware that a run happens on, and a fingerprint that tells one machine from another."""

import hashlib
import json
import os
import platform
import socket
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

_CPU_FOLDER = Path("/sys/devices/system/cpu")


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU as its driver names it; memory is None where it does not tell."""

    model: str
    memory_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What makes two results comparable as hardware.

    `memory_gib` is rounded: the kernel keeps some megabytes of it, more or less by version.
    The host's name is not part of the fingerprint; drivers and kernel are software.
    """

    name: str
    cpu_model: str
    architecture: str
    sockets: int
    cores: int
    threads: int
    caches: tuple[str, ...]
    memory_gib: int
    gpus: tuple[Gpu, ...]

    @property
    def fingerprint(self) -> str:
        """Equal for equal hardware: 16 hexadecimal digits over all fields but the name."""
        facts = asdict(self)
        del facts["name"]
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def this_machine() -> Machine:
    """The machine that the harness runs on (Linux: /proc and /sys; nvidia-smi for GPUs)."""
    topology = _topology()
    return Machine(
        name=socket.gethostname(),
        cpu_model=_cpu_model(),
        architecture=platform.machine(),
        sockets=len({package for package, _ in topology}) or 1,
        cores=len(set(topology)) or os.cpu_count() or 1,
        threads=os.cpu_count() or 1,
        caches=_caches(),
        memory_gib=round(memory_bytes() / (1 << 30)),
        gpus=_gpus()[0],
    )


def host_software() -> dict[str, str | None]:
    """What containers share with the machine, and an image does not hold: `kernel`, its release;
    `gpu_driver`, None without GPUs."""
    return {"kernel": platform.release(), "gpu_driver": _gpus()[1]}


def memory_bytes(key: str = "MemTotal") -> int:
    """A line of /proc/meminfo, in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise KeyError(key)


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    if "model name" in fields:
        # Hypervisors often hide the name ("AMD EPYC"); family, model and stepping tell more.
        numbers = "/".join(fields.get(key, "?") for key in ("cpu family", "model", "stepping"))
        return f"{fields['model name']} ({numbers})"
    parts = [fields.get(key) for key in ("CPU implementer", "CPU part", "CPU variant")]
    return " ".join(part for part in parts if part) or platform.processor() or "unknown"


def _topology() -> list[tuple[str, str]]:
    """(package, core) of every thread."""
    folders = sorted(_CPU_FOLDER.glob("cpu[0-9]*/topology"))
    return [
        (_read(folder / "physical_package_id"), _read(folder / "core_id"))
        for folder in folders
        if (folder / "core_id").exists()
    ]


def _caches() -> tuple[str, ...]:
    """The caches of the first CPU, such as `L1 Data 32K`."""
    return tuple(
        f"L{_read(index / 'level')} {_read(index / 'type')} {_read(index / 'size')}"
        for index in sorted((_CPU_FOLDER / "cpu0/cache").glob("index[0-9]*"))
        if (index / "size").exists()
    )


def _gpus() -> tuple[tuple[Gpu, ...], str | None]:
    return _gpus_by(os.environ.get("PATH"))


@cache
def _gpus_by(_path: str | None) -> tuple[tuple[Gpu, ...], str | None]:
    """Asked once: nvidia-smi takes up to a second, and neither answer changes while this lives."""
    query = "--query-gpu=name,memory.total,driver_version"
    try:
        done = subprocess.run(
            ["nvidia-smi", query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return (), None  # no NVIDIA driver here
    rows = [line.split(", ") for line in done.stdout.splitlines() if line.count(", ") == 2]
    gpus = tuple(Gpu(model=model, memory_bytes=_mebibytes(size)) for model, size, _ in rows)
    return gpus, rows[0][2] if rows else None


def _mebibytes(text: str) -> int | None:
    """nvidia-smi says `[N/A]` where memory is shared with the CPU."""
    return int(text) << 20 if text.isdecimal() else None


def _read(path: Path) -> str:
    return path.read_text().strip()
