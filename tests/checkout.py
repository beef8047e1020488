"""A copy of what a run is made of, so that a test can edit it and run the result."""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FOLDERS = ("harness", "containers", "workloads", "docker")


@dataclass(frozen=True)
class Checkout:
    """A copied source tree."""

    folder: Path

    @classmethod
    def into(cls, folder: Path) -> "Checkout":
        """Copies the working tree's source folders into `folder`."""
        for name in _FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        return cls(folder)

    def edit(self, file: str, before: str, after: str) -> None:
        """Replaces the only occurrence of `before` in `file`."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1, f"{file} holds {text.count(before)} times {before!r}"
        path.write_text(text.replace(before, after))
