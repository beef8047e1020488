"""The kernel's cache of a file: emptied, and looked into."""

import ctypes
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workloads.room import Unsuitable

COLD_SHARE = 0.01
"""A cache that holds more of a file than this is not cold."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]


def drop(path: Path, *, flush: bool = True) -> None:
    """Asks the kernel to forget what it holds of `path`, which it does for clean pages alone.

    `flush`: writes the others to storage first.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if flush:
            os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def resident_share(path: Path) -> float:
    """The share of the pages of `path` that the kernel holds in memory, by mincore(2)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        pages = np.zeros(-(-len(mapped) // mmap.PAGESIZE), dtype=np.uint8)
        view = np.frombuffer(mapped, dtype=np.uint8)
        failed = _LIBC.mincore(view.ctypes.data, len(mapped), pages.ctypes.data)
        del view  # else the mapping cannot be closed
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"mincore: {os.strerror(number)}", str(path))
    return float((pages & 1).mean())


class Cold:
    """Makes a file cold before every round. `resident_share`: the most that was left."""

    def __init__(self, path: Path, drop: Callable[[Path], None] = drop) -> None:
        """Raises `Unsuitable` where the cache of this file cannot be emptied."""
        self._path, self._drop = path, drop
        self.resident_share = 0.0
        self.renew()
        if self.resident_share > COLD_SHARE:
            raise Unsuitable(
                f"needs a cold cache; of {path} {self.resident_share:.0%} stays in memory "
                "whatever the kernel is asked (a tmpfs is memory)"
            )

    def renew(self) -> None:
        """Drops the cache, and looks whether it went."""
        self._drop(self._path)
        self.resident_share = max(self.resident_share, resident_share(self._path))
