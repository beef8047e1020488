"""Device files of a test's own: /dev/zero under other names."""

import os
import stat
from pathlib import Path

from tests.need import need

ZERO = os.makedev(1, 5)


class Nodes:
    """In `dev`."""

    def __init__(self, dev: Path) -> None:
        dev.mkdir()
        self.dev = dev

    def __call__(self, name: str, mode: int = 0o660, group: int = 4242) -> Path:
        """One more. Needs the right to make it."""
        path = self.dev / name
        path.parent.mkdir(exist_ok=True)
        try:
            os.mknod(path, stat.S_IFCHR, ZERO)
        except PermissionError as error:
            need(False, f"the right to make device files (root): {error}")
        os.chown(path, 0, group)
        path.chmod(mode)
        return path
