"""A small file system of one's own, to fill up or to close."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.need import need


class Tmpfs:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/results.db"

    def remount(self, options: str) -> None:
        subprocess.run(
            ["mount", "-o", f"remount,{options}", str(self.folder)], check=True, capture_output=True
        )


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    """2 MiB. Needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    need(mounted.returncode == 0, f"the right to mount a tmpfs (root): {mounted.stderr.decode()}")
    yield Tmpfs(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)
