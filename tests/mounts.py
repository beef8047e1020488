"""mount(2) and umount2(2): a minimal Debian has no `mount` command.

As a program (`python -m tests.mounts FOLDER...`, in a mount namespace of its own) it puts an
empty tmpfs over each folder, seen by nobody outside.
"""

import ctypes
import os
import sys
from pathlib import Path

# linux/mount.h
_READ_ONLY = 1
_REMOUNT = 32
_RECURSIVE = 1 << 14
_PRIVATE = 1 << 18
_DETACH = 2

_LIBC = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(folder: Path, options: str) -> None:
    """Raises OSError: not root, mostly. `options`: as in tmpfs(5), `size=2m`."""
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options.encode())


def resize_tmpfs(folder: Path, options: str) -> None:
    """Changes the options of a mounted tmpfs."""
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", _REMOUNT, options.encode())


def make_read_only(folder: Path) -> None:
    """Refuses all writes from now on."""
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)


def make_private() -> None:
    """Keeps this mount namespace's changes to itself."""
    _call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)


def unmount(folder: Path) -> None:
    """Takes a mount away, also while it is in use."""
    _call("umount2", os.fsencode(folder), _DETACH)


def _call(name: str, *arguments: bytes | int | None) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    make_private()
    for each in sys.argv[1:]:
        mount_tmpfs(Path(each), "")
