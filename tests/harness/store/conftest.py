"""A small file system of one's own, to fill up or to close."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mounts
from tests.need import need


class Tmpfs:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/results.db"

    def grow(self, size: str) -> None:
        mounts.resize_tmpfs(self.folder, f"size={size}")

    def close(self) -> None:
        mounts.make_read_only(self.folder)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Tmpfs]:
    """2 MiB. Needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        mounts.mount_tmpfs(folder, "size=2m")
    except OSError as error:
        need(False, f"the right to mount a tmpfs (root): {error}")
    yield Tmpfs(folder)
    mounts.unmount(folder)
