"""What else the machine was doing while a launch ran; recorded beside it, never used to drop."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_STAT_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The machine's counters at one moment. Times are summed over CPUs, in seconds."""

    at_s: float
    busy_s: float
    steal_s: float
    load_1m: float
    throttles: int | None
    frequency_hz: float | None


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What happened between two snapshots.

    `busy_share`, `steal_share`: of all CPUs' time, 0 to 1. `throttle_events`: thermal throttling
    as the kernel counts it. None where the machine does not tell (virtual machines rarely do).
    """

    duration_s: float
    busy_share: float
    steal_share: float
    load_before: float
    load_after: float
    throttle_events: int | None
    frequency_before_hz: float | None
    frequency_after_hz: float | None

    def as_dict(self) -> dict[str, float | None]:
        return asdict(self)


def snapshot() -> Snapshot:
    """The counters now (Linux)."""
    first = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    ticks = os.sysconf("SC_CLK_TCK")
    times = {name: int(value) / ticks for name, value in zip(_STAT_FIELDS, first, strict=False)}
    idle_s = times["idle"] + times["iowait"]
    return Snapshot(
        at_s=time.monotonic(),
        busy_s=sum(times.values()) - idle_s - times["steal"],
        steal_s=times["steal"],
        load_1m=os.getloadavg()[0],
        throttles=_sum("cpu[0-9]*/thermal_throttle/core_throttle_count"),
        frequency_hz=_frequency_hz(),
    )


def between(before: Snapshot, after: Snapshot) -> Noise:
    """The noise from one snapshot to a later one."""
    duration_s = after.at_s - before.at_s
    capacity_s = duration_s * (os.cpu_count() or 1)
    throttles = (
        after.throttles - before.throttles
        if after.throttles is not None and before.throttles is not None
        else None
    )
    return Noise(
        duration_s=duration_s,
        busy_share=(after.busy_s - before.busy_s) / capacity_s,
        steal_share=(after.steal_s - before.steal_s) / capacity_s,
        load_before=before.load_1m,
        load_after=after.load_1m,
        throttle_events=throttles,
        frequency_before_hz=before.frequency_hz,
        frequency_after_hz=after.frequency_hz,
    )


def _sum(pattern: str) -> int | None:
    files = list(Path("/sys/devices/system/cpu").glob(pattern))
    return sum(int(file.read_text()) for file in files) if files else None


def _frequency_hz() -> float | None:
    """The mean over CPUs, from cpufreq (kHz), else from /proc/cpuinfo (MHz)."""
    files = list(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
    if files:
        return 1e3 * sum(int(file.read_text()) for file in files) / len(files)
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    values = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return 1e6 * sum(values) / len(values) if values else None
