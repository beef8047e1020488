"""The site's files: what is as it was is not written again, and what is no part of it goes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import UsageError

MANIFEST = "jaxrig-report.json"
"""Names the site's files: no others are ever touched."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """How many files there are, and how many of them were written or removed."""

    files: int
    written: int
    removed: int


def write_site(folder: Path, pages: Iterable[tuple[str, bytes]]) -> Written:
    """`pages`: their paths within the folder and what they hold; taken one by one. Raises
    `UsageError` for a folder that holds other things than a site."""
    before = _before(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written, names = 0, set[str]()
    for name, content in pages:
        names.add(name)
        written += _write(folder / name, content)
    gone = before - names
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    _write(folder / MANIFEST, json.dumps({"files": sorted(names)}, indent=0).encode())
    return Written(files=len(names), written=written, removed=len(gone))


def _write(path: Path, content: bytes) -> bool:
    """Whether it was another one."""
    try:
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever reads it meanwhile has the one before or this one, and no half.
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
    return True


def _before(folder: Path) -> set[str]:
    """The files of the site that is there."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        return {name for name in told["files"] if _is_within(name)}
    except FileNotFoundError:
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} holds other things than a report; name a folder of its own"
            ) from None
        return set()
    except NotADirectoryError:
        raise UsageError(f"{folder} is no folder") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / MANIFEST} is damaged ({error}); remove {folder}") from error


def _is_within(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
