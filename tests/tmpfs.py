"""A small file system of one's own, to fill up or to close."""

from pathlib import Path

from tests import mounts


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
