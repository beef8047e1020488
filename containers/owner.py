"""Who started something, so that what an ended process left behind can be told apart."""

import os
from pathlib import Path


def boot_id() -> str:
    """The kernel's id of this boot; equal inside and outside containers on one machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def this_process() -> str:
    """An identity of the calling process that no later process can have."""
    pid = os.getpid()
    return f"{boot_id()}/{_pid_namespace()}/{pid}/{_start_ticks(pid)}"


def is_gone(owner: str) -> bool:
    """True where `owner` certainly ended: another boot of this machine is not told from
    another machine, so only processes of this boot and pid namespace are judged."""
    try:
        boot, namespace, pid, ticks = owner.split("/")
    except ValueError:
        return False
    if (boot, namespace) != (boot_id(), _pid_namespace()):
        return False
    try:
        return _start_ticks(int(pid)) != ticks
    except (FileNotFoundError, ProcessLookupError):
        return True


def _pid_namespace() -> str:
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def _start_ticks(pid: int) -> str:
    # Field 22 of proc(5) stat; the second field may itself hold spaces and parentheses.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
