"""One at a time on a machine: two that measure at once measure each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import EnvironmentFailure

FOLDERS = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 - shared by all users on purpose


@contextmanager
def machine_lock(name: str) -> Iterator[None]:
    """Holds the machine's lock of that name within; the kernel gives it up with the process.

    Raises `EnvironmentFailure` at once where another process holds it.
    """
    path = next(each for each in FOLDERS if each.is_dir()) / f"jaxrig-{name}.lock"
    descriptor = _opened(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EnvironmentFailure(
                f"another jaxrig {name} is at work on this machine (it holds {path}); "
                "wait for its end, or end it"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """For reading, which is enough for a lock: the file may be another user's. Who may open it
    could keep the lock, as anybody could load this machine."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
