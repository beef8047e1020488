"""Workloads of one's own: a folder of pytest-benchmark tests, or a single file of such."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import UsageError

LAUNCHES = 3

_TEST_FILES = ("test_*.py", "*_test.py")
_SETTINGS = ("pytest.toml", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True, kw_only=True)
class OwnSuite:
    """`folder`: where it lies, as a full path. `file`: the only file of it that is meant.

    `globs`: which of its cases; what cases there are, only pytest can tell.
    """

    folder: Path
    file: str | None = None
    globs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The suite's name in a run; no built-in or declared one has a colon."""
        return f"own:{self.folder.name}" + (f"/{self.file}" if self.file else "")

    def select(self, cases: Sequence[str], *, complete: bool = True) -> tuple[str, ...]:
        """Those of `cases` that a glob matches or equals (all without globs): the brackets of
        `test_sum[10]` mean something else in a glob.

        Raises `UsageError` where a glob matches nothing, if `cases` are all that there are.
        """
        for glob in self.globs:
            if complete and not any(_matches(case, glob) for case in cases):
                raise UsageError(f"no case of {self.name} matches {glob!r}; it has {_few(cases)}")
        return tuple(
            case
            for case in cases
            if not self.globs or any(_matches(case, glob) for glob in self.globs)
        )


def find_suite(path: Path, globs: Sequence[str] = ()) -> OwnSuite:
    """The suite at `path`. Raises `UsageError` where there is none."""
    found = path.resolve()
    if found.is_file() and found.suffix == ".py":
        return OwnSuite(folder=found.parent, file=found.name, globs=tuple(globs))
    if not found.is_dir():
        what = "is no Python file" if found.exists() else "does not exist"
        raise UsageError(f"--workloads {path} {what}; name a folder of pytest-benchmark tests")
    if not any(_test_files(found)):
        raise UsageError(f"--workloads {path}: no {' or '.join(_TEST_FILES)} in that folder")
    return OwnSuite(folder=found, globs=tuple(globs))


def _test_files(folder: Path) -> Iterator[Path]:
    """Files that pytest looks into; with settings of its own, a suite may name others."""
    for pattern in _TEST_FILES:
        yield from folder.rglob(pattern)
    for name in _SETTINGS:
        path = folder / name
        if path.is_file() and "python_files" in path.read_text(errors="replace"):
            yield path


def _matches(case: str, glob: str) -> bool:
    return case == glob or fnmatchcase(case, glob)


def _few(cases: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(cases[:most])
    return f"{shown}, … ({len(cases)})" if len(cases) > most else shown or "none"
