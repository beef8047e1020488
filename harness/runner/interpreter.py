"""The Python that a plain process is started with."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import EnvironmentFailure

_PATIENCE_S = 60
_PROGRAM = """\
import json, sys
from importlib.util import find_spec
lacks = [name for name in sys.argv[1:] if find_spec(name) is None]
print(json.dumps(lacks if sys.version_info >= (3, 11) else ["Python 3.11 or newer"]))
"""
_LACKS = TypeAdapter(list[str])


def interpreter(python: Path | None, packages: Iterable[str]) -> str:
    """The executable of `python` (a path, or a name on PATH; None: the one that runs this).

    Raises `EnvironmentFailure` where there is none, or where it lacks one of `packages`.
    """
    if python is None:
        found = sys.executable
        lacks = [name for name in packages if find_spec(name) is None]
    else:
        found = _found(python)
        lacks = _lacking(found, packages)
    if lacks:
        raise EnvironmentFailure(
            f"a plain process measures with what {found} has, and that lacks {', '.join(lacks)}: "
            f"{found} -m pip install 'jaxrig[process]'"
        )
    return found


def _found(python: Path) -> str:
    found = shutil.which(str(python))
    if found is None:
        raise EnvironmentFailure(
            f"no Python {python} beside jaxrig.toml, nor on PATH; correct `python` of this target"
        )
    return found


def _lacking(python: str, packages: Iterable[str]) -> list[str]:
    """Which of `packages` another Python than this one lacks. Raises `EnvironmentFailure`."""
    try:
        done = subprocess.run(
            [python, "-c", _PROGRAM, *packages],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        return _LACKS.validate_json(done.stdout)
    except OSError as error:
        raise EnvironmentFailure(f"{python} does not start: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailure(
            f"{python} (`python` of this target) does not answer within {_PATIENCE_S} s"
        ) from error
    except ValidationError as error:
        said = done.stderr.decode(errors="replace").strip()
        raise EnvironmentFailure(
            f"{python} is no Python that could measure (`python` of this target); it ended with "
            f"exit code {done.returncode} and said: {said or 'nothing'}"
        ) from error
