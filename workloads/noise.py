"""What else happened while rounds were timed, as Linux tells it.

What cannot be read is None and comes with a warning; a zero means that zero was read.
"""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK_RSS = "5"  # proc_pid_clear_refs(5): resets VmHWM to the present VmRSS
_STEAL_FIELD = 8  # of the `cpu` line, the label being field 0: proc_stat(5)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Counters of this process (all threads) and its machine; a difference of two is a use.

    `steal_s`: seconds that the hypervisor took from all CPUs together; None where unreadable.
    """

    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int
    steal_s: float | None

    def since(self, earlier: "Reading") -> "Reading":
        """What was counted from `earlier` to this reading."""
        return Reading(
            minor_faults=self.minor_faults - earlier.minor_faults,
            major_faults=self.major_faults - earlier.major_faults,
            voluntary_switches=self.voluntary_switches - earlier.voluntary_switches,
            involuntary_switches=self.involuntary_switches - earlier.involuntary_switches,
            steal_s=_difference(self.steal_s, earlier.steal_s),
        )


def read() -> Reading:
    """The counters now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Reading(
        minor_faults=usage.ru_minflt,
        major_faults=usage.ru_majflt,
        voluntary_switches=usage.ru_nvcsw,
        involuntary_switches=usage.ru_nivcsw,
        steal_s=steal_s(),
    )


def steal_s(stat: Path = _STAT) -> float | None:
    """Seconds stolen from all CPUs since boot (resolution 10 ms), None where unreadable."""
    try:
        fields = stat.read_text().split("\n", 1)[0].split()
        return int(fields[_STEAL_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def reset_peak_rss(clear_refs: Path = _CLEAR_REFS) -> bool:
    """Makes the peak resident size start again from now; False where the kernel refuses."""
    try:
        clear_refs.write_text(_RESET_PEAK_RSS)
    except OSError:
        return False
    return True


def peak_rss_bytes(status: Path = _STATUS) -> int | None:
    """Largest resident size since the last reset (VmHWM), None where unreadable."""
    return _status_bytes("VmHWM", status)


def rss_bytes(status: Path = _STATUS) -> int | None:
    """Resident size now (VmRSS), None where unreadable."""
    return _status_bytes("VmRSS", status)


def _status_bytes(name: str, status: Path) -> int | None:
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return kibibytes[0] * 1024 if kibibytes else None


def unread(peak_rss_bytes: int | None, steal_s: float | None) -> list[str]:
    """Says what could not be read."""
    found = []
    if peak_rss_bytes is None:
        found.append("peak RSS unknown: /proc/self/clear_refs or status not accessible")
    if steal_s is None:
        found.append("steal time unknown: /proc/stat not readable")
    return found


def _difference(later: float | None, earlier: float | None) -> float | None:
    """None also where a counter stepped back, which hypervisors make it do now and then."""
    if later is None or earlier is None or later < earlier:
        return None
    return later - earlier
