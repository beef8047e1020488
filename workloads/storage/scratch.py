"""The directory that storage is measured in, and what it lies on."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workloads.room import Unsuitable

VARIABLE = "JAXRIG_SCRATCH"
"""Names the directory; without it the system's temporary one serves."""

IN_MEMORY = ("tmpfs", "ramfs")
"""File systems that are no storage."""

_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A fresh directory of our own; `filesystem`: its type, as the kernel names it."""

    folder: Path
    filesystem: str

    @classmethod
    def make(cls, needed_bytes: int) -> Self:
        """Raises `Unsuitable` where there is no such directory, or too little space in it."""
        parent = Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
        try:
            free = shutil.disk_usage(parent).free
            if free < needed_bytes:
                raise Unsuitable(
                    f"needs {needed_bytes / 2**30:.2f} GiB of space in {parent}; there are "
                    f"{free / 2**30:.2f} GiB. {VARIABLE} names another directory"
                )
            folder = Path(tempfile.mkdtemp(prefix="jaxrig-", dir=parent))
        except OSError as error:
            raise Unsuitable(f"no scratch directory ({VARIABLE}): {error}") from error
        return cls(folder=folder, filesystem=filesystem(folder))

    @property
    def in_memory(self) -> bool:
        return self.filesystem in IN_MEMORY

    def warnings(self) -> tuple[str, ...]:
        """Says where no disk was measured."""
        if not self.in_memory:
            return ()
        text = f"scratch is on {self.filesystem}: memory was measured, not a disk ({VARIABLE})"
        return (text,)

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.folder)


def filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that holds `path`: that of the longest mount point above it,
    and of several on the same one the last (proc_pid_mountinfo(5))."""
    found, depth = "unknown", -1
    for mount in mounts.read_text().splitlines():
        own, _, source = mount.partition(" - ")
        point = Path(_unescaped(own.split(" ")[4]))
        if path.resolve().is_relative_to(point) and len(point.parts) >= depth:
            found, depth = source.split(" ")[0], len(point.parts)
    return found


def _unescaped(text: str) -> str:
    """Space, tab, newline and backslash are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
