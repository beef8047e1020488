"""The site's files: what is as it was is not written again, and what is no part of it goes."""

import json
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.errors import UsageError

MANIFEST = "jaxrig-report.json"
"""Names the site's files: no others are ever touched."""


Part = Callable[[], Iterable[tuple[str, bytes]]]
"""Makes some files of the site: their paths within its folder, and what they hold."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """How many files there are, and how many of them were written or removed."""

    files: int
    written: int
    removed: int


def write_site(folder: Path, parts: Sequence[Part], processes: int = 1) -> Written:
    """`processes`: that make them, each every so-manieth part; more than one are copies of this one
    (`fork`), which have all that the parts need. Raises `UsageError` for a folder that holds other
    things than a site."""
    before = _before(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shares = [parts[first::processes] for first in range(processes)]
    made = _made_apart(folder, shares) if processes > 1 else [_made(folder, parts)]
    names = {name for some, _ in made for name in some}
    gone = before - names
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    _write(folder / MANIFEST, json.dumps({"files": sorted(names)}, indent=0).encode())
    written = sum(count for _, count in made)
    return Written(files=len(names), written=written, removed=len(gone))


_Made = tuple[list[str], int]
"""Names of files, and how many of them were written."""

_shares: Sequence[Sequence[Part]] = ()
"""Of a copy: all that is to be made. It is told which share is its own; nothing else is sent."""


def _made_apart(folder: Path, shares: Sequence[Sequence[Part]]) -> list[_Made]:
    """The first one here, each of the others in a copy of this process."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(
        len(shares) - 1, mp_context=context, initializer=_begin, initargs=(shares,)
    ) as pool:
        others = [pool.submit(_made_there, folder, place) for place in range(1, len(shares))]
        own = _made(folder, shares[0])
        return [own, *(each.result() for each in others)]


def _begin(shares: Sequence[Sequence[Part]]) -> None:
    global _shares
    _shares = shares


def _made_there(folder: Path, place: int) -> _Made:
    return _made(folder, _shares[place])


def _made(folder: Path, parts: Iterable[Part]) -> _Made:
    names, written = [], 0
    for part in parts:
        for name, content in part():
            names.append(name)
            written += _write(folder / name, content)
    return names, written


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
