"""jaxrig.toml → frozen Settings. The built-in targets and suites need no file."""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.errors import UsageError

FILE_NAME = "jaxrig.toml"

DEFAULT_FLOOR = 0.02
"""A smaller change matters to nobody who did not ask for it."""

_UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*"
_HEADER = re.compile(rf"\s*\[\[?{_DOTTED}\]")
_KEY = re.compile(rf"{_DOTTED}=")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(MiB|GiB)\s*")


def _bytes_of(value: object) -> object:
    """`"1.5GiB"` → bytes; what is no such text is left for the type check to refuse."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError('a size is a number with a unit, as in "512MiB" or "8GiB"')
    return int(float(match[1]) * _UNITS[match[2]])


def _settable(size: int) -> int:
    """An engine takes no less than 6 MiB of memory, and numbers of 63 bits."""
    if not 6 << 20 <= size < 1 << 60:
        raise ValueError("a size is at least 6MiB, which an engine needs, and less than 1EiB")
    return size


def _rising(value: str) -> str:
    """The ranges of a cpuset, each from a lower to a higher CPU."""
    for part in value.split(","):
        first, dash, last = part.partition("-")
        if dash and int(first) > int(last):
            raise ValueError(f'{part!r} runs backwards; write it as in "0-3,8"')
    return value


Size = Annotated[int, BeforeValidator(_bytes_of), AfterValidator(_settable)]
CpuSet = Annotated[
    str, Field(pattern=r"^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$"), AfterValidator(_rising)
]
# It becomes part of an image's name.
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=64)]


def _not_ceilings(name: str) -> str:
    """What ceilings are made of is not for a suite of one's own to say."""
    from workloads.catalog import CEILINGS  # takes long to import where no suite is declared

    if name == CEILINGS:
        raise ValueError(f"the suite {CEILINGS} is what limits are made of; choose another name")
    return name


SuiteName = Annotated[Name, AfterValidator(_not_ceilings)]
Glob = Annotated[str, Field(min_length=1)]
Floor = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Limit = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Variable = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Frozen):
    """A named software stack for one kind of hardware.

    `dockerfile`, `requirements`: paths; a bare name that does not exist beside jaxrig.toml is
    one of the built-in files. `base`: what the Dockerfile starts from (its BASE argument).
    `project`: a folder with a Python project (of a git repository) that is installed on the
    stack. `platform`: what JAX must report, or nothing is recorded. `gpus`: whether the engine is
    asked for GPUs. `cpus`: a cpuset. Limits in bytes and seconds.
    """

    platform: Literal["cpu", "cuda", "rocm", "tpu"]
    dockerfile: Path
    requirements: Path | None = None
    base: str | None = None
    project: Path | None = None
    env: Mapping[VariableName, Variable] = {}
    gpus: bool = False
    cpus: CpuSet | None = None
    memory: Size | None = None
    tmp: Size = 1 << 30
    pids: Annotated[int, Field(gt=0, le=1 << 22)] = 1024
    case_limit_s: Limit = 120.0
    launch_limit_s: Limit = 900.0


class Suite(_Frozen):
    """A named set of cases: globs over case ids, and how many launches measure them."""

    cases: tuple[str, ...]
    launches: Annotated[int, Field(ge=1, le=1000)] = 3


class Settings(_Frozen):
    """Everything that jaxrig.toml can say, merged over what is built in."""

    targets: Mapping[Name, Target] = {}
    suites: Mapping[SuiteName, Suite] = {}
    floors: Mapping[Glob, Floor] = {}
    """Of case ids; where several match, the last one holds."""

    def floor(self, case: str) -> float:
        """The smallest change of `case` that matters, 0.02 being 2 %."""
        found = [floor for glob, floor in self.floors.items() if fnmatchcase(case, glob)]
        return found[-1] if found else DEFAULT_FLOOR

    def target(self, name: str) -> Target:
        """Raises `UsageError` naming the known ones."""
        try:
            return self.targets[name]
        except KeyError:
            known = ", ".join(self.targets)
            raise UsageError(f"unknown target {name!r}; known are: {known}") from None


BUILT_IN_TARGETS = {
    "cpu": Target(
        platform="cpu",
        dockerfile=Path("cpu.Dockerfile"),
        requirements=Path("cpu.requirements.txt"),
        env={"JAX_PLATFORMS": "cpu"},
    ),
    # No JAX_PLATFORMS: JAX then says by itself what it found, and a fall-back to CPU is refused
    # with the reason instead of ending in an exception of its own.
    "cuda": Target(
        platform="cuda",
        dockerfile=Path("cuda.Dockerfile"),
        requirements=Path("cuda.requirements.txt"),
        gpus=True,
    ),
}


def load(folder: Path) -> Settings:
    """The settings in `folder`/jaxrig.toml over the built-in ones, which serve without a file.

    Relative paths are taken from `folder`. Raises `UsageError` naming file, line and key.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Settings(targets=BUILT_IN_TARGETS)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    try:
        own = Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise UsageError(_explain(path, text, error)) from error
    targets = {name: _located(target, folder) for name, target in own.targets.items()}
    return Settings(targets={**BUILT_IN_TARGETS, **targets}, suites=own.suites, floors=own.floors)


def _located(target: Target, folder: Path) -> Target:
    """Its own files with their full paths; what is not there stays a built-in's name."""
    paths = {"dockerfile": target.dockerfile, "requirements": target.requirements}
    own = {
        key: folder / path
        for key, path in paths.items()
        if path is not None and (folder / path).exists()
    }
    if target.project is not None:
        own["project"] = (folder / target.project).resolve()
    return target.model_copy(update=own)


def _explain(path: Path, text: str, error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        keys = [str(part) for part in problem["loc"] if part != "[key]"]
        line = line_of(text, keys)
        where = f"{path}:{line}" if line else str(path)
        lines.append(f"{where}: {'.'.join(keys)}: {_reason(problem)}")
    return "\n".join(lines)


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key; see docs/targets.md for the known ones"
    return str(problem["msg"]).removeprefix("Value error, ")


def line_of(text: str, keys: list[str]) -> int | None:
    """The line (from 1) of `keys` in a TOML text: of the key itself, else of its table,
    else of what lies in it.

    tomllib keeps no positions; this follows `[table]` headers and `key =` lines, which is
    what a jaxrig.toml consists of.
    """
    table: list[str] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = table = _parts(header[1])
        elif key := _KEY.match(line):
            here = [*table, *_parts(key[1])]
        else:
            continue
        depth = min(len(here), len(keys))
        if here[:depth] == keys[:depth] and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, dotted)]
