"""Released versions of JAX, as pip lists them from the index in use."""

import re
import subprocess
import sys
from collections.abc import Sequence

from harness.errors import EnvironmentFailure, UsageError
from harness.revisions import Revision
from harness.sides import JAX

_ANY_PYTHON = "--ignore-requires-python"
_LIMIT_S = 120
_FEW = 2
_LISTED = re.compile(r"^Available versions: (.*)$", re.MULTILINE)


def releases() -> tuple[str, ...]:
    """All, whichever Python they are for, the oldest first. Raises `EnvironmentFailure`."""
    # The target's Python is another one than this; what does not suit it cannot be built.
    words = ("-m", "pip", "--disable-pip-version-check", "index", "versions", "jax", _ANY_PYTHON)
    try:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise _unlisted(said) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unlisted(str(error)) from error
    listed = _LISTED.search(done.stdout)
    if listed is None:
        raise _unlisted(f"it printed {done.stdout[:200]!r}")
    return tuple(reversed([each.strip() for each in listed[1].split(",")]))


def between(good: str, bad: str, known: Sequence[str]) -> tuple[Revision, ...]:
    """Releases after `good`, `bad` the last of them. `known`: all, the oldest first.

    Raises `UsageError` for one that is not known, and where `bad` is not the later one."""
    first, last = (known.index(checked(each, known)) for each in (good, bad))
    if last <= first:
        raise UsageError(f"jax {bad} is not later than {good}; name the good one with --good")
    names = [f"{JAX}{each}" for each in known[first + 1 : last + 1]]
    parents: list[tuple[str, ...]] = [(), *((each,) for each in names)]
    return tuple(
        Revision(name=name, parents=before) for name, before in zip(names, parents, strict=False)
    )


def checked(version: str, known: Sequence[str]) -> str:
    """`version`, where it was released. Raises `UsageError` naming the nearest that were.
    `known`: all, the oldest first."""
    if version in known:
        return version
    place = sum(_numbers(each) < _numbers(version) for each in known)
    near = ", ".join(known[max(0, place - _FEW) : place + _FEW])
    raise UsageError(f"there is no jax {version} in the index; the nearest are {near}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _unlisted(reason: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"pip cannot list the releases of jax: {reason}; PIP_INDEX_URL names the index"
    )
