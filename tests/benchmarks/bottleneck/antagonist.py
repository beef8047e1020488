"""A neighbour that takes one resource: `python -m … memory|storage PATH`, pinned to one core.

It tells on stdout how much it moves, a number of bytes a second, once it has begun.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Literal

from tests.checkout import ROOT

Resource = Literal["memory", "storage"]

RESOURCES: tuple[Resource, ...] = ("memory", "storage")

ARRAY_BYTES = 512 << 20
"""More than any cache."""

FILE_BYTES, BLOCK_BYTES = 256 << 20, 1 << 20
TELLS_S = 0.5

SETTLES_S = 0.03
"""After which it has taken what it takes, or given it back."""


class Antagonist:
    """A neighbour that stands still but within `awake`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @contextmanager
    def awake(self) -> Iterator[None]:
        self._process.send_signal(signal.SIGCONT)
        time.sleep(SETTLES_S)
        yield
        assert self._process.poll() is None, "the antagonist ended before what it was to disturb"
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(SETTLES_S)


@contextmanager
def antagonist(resource: Resource, core: int, folder: Path) -> Iterator[Antagonist]:
    """It has begun, on that core, and stands still."""
    command = [sys.executable, "-m", __name__, resource, str(folder / "antagonist.bin")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            assert process.stdout is not None
            assert float(process.stdout.readline()) > 0
            process.send_signal(signal.SIGSTOP)
            yield Antagonist(process)
        finally:
            process.kill()


def main(resource: str, path: str) -> None:
    """Until it is killed, or who started it has gone."""
    step = _memory() if resource == "memory" else _storage(Path(path))
    parent = os.getppid()
    start, moved, told = time.monotonic(), 0, False
    while os.getppid() == parent:
        moved += step()
        if not told and time.monotonic() > start + TELLS_S:
            sys.stdout.write(f"{moved / (time.monotonic() - start)}\n")
            sys.stdout.flush()
            told = True


def _memory() -> Callable[[], int]:
    """An array written over and over, past the caches: of all that one core can do it takes most
    from the other (seen: what streams there takes 2.5 times as long, beside a copy 1.04)."""
    array = (ctypes.c_char * ARRAY_BYTES)()

    def step() -> int:
        ctypes.memset(array, 1, ARRAY_BYTES)
        return ARRAY_BYTES

    return step


def _storage(path: Path) -> Callable[[], int]:
    """A file, past the kernel's cache, from its beginning to its end."""
    path.write_bytes(os.urandom(FILE_BYTES))
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    block, at = mmap(-1, BLOCK_BYTES), 0  # O_DIRECT needs a page's alignment

    def step() -> int:
        nonlocal at
        size = os.preadv(file, [block], at)
        at = (at + size) % FILE_BYTES
        return size

    return step


if __name__ == "__main__":
    main(*sys.argv[1:])
