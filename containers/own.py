"""A suite of one's own, as it goes into an image: its files, and what it requires."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from containers.errors import ImageUnavailable

OWN_FOLDER = "/opt/own"
"""Where an image has the folder, under its own name."""

REQUIREMENTS = "requirements.txt"
MOST_BYTES = 256 << 20
MOST_FILES = 20_000

# Hidden files, compiled ones, and the database that every run writes to, maybe in this folder.
_LEFT_OUT = (".", "__pycache__", "results.db")
_NAMES_A_FILE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Own:
    """The suite in `folder`. Its methods raise `ImageUnavailable` saying what cannot be taken."""

    folder: Path

    def files(self) -> dict[str, bytes]:
        """Everything but hidden and compiled files, by path from the folder's parent."""
        found: dict[str, bytes] = {}
        size = 0
        for path in _visible(self.folder):
            size += path.stat().st_size
            if size > MOST_BYTES or len(found) >= MOST_FILES:
                raise ImageUnavailable(
                    f"{self.folder} holds more than {MOST_BYTES >> 20} MiB or {MOST_FILES:,} "
                    "files, all of which would go into the image; give the suite its own folder"
                )
            name = f"{self.folder.name}/{path.relative_to(self.folder).as_posix()}"
            found[name] = _read(path)
        return found

    def requirements(self) -> dict[str, bytes]:
        """requirements.txt and the files that it names by -r or -c; nothing without one."""
        found: dict[str, bytes] = {}
        waiting = [REQUIREMENTS] if (self.folder / REQUIREMENTS).is_file() else []
        while waiting:
            name = waiting.pop()
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder.resolve()):
                raise ImageUnavailable(f"{REQUIREMENTS} names {name}, outside {self.folder}")
            if name not in found:
                found[name] = _read(path)
                text = found[name].decode(errors="replace")
                waiting += [
                    os.path.normpath(Path(name).parent / each)
                    for each in _NAMES_A_FILE.findall(text)
                    if "://" not in each
                ]
        return found


def _visible(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(_LEFT_OUT))
        for name in sorted(names):
            path = Path(where, name)
            if not name.startswith(_LEFT_OUT) and path.is_file():
                yield path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageUnavailable(f"{path} cannot be read: {error.strerror}") from error
