"""jaxrig.toml → frozen Settings. The built-in targets and suites need no file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UsageError
from harness.extends import WrongParent, is_inherited, resolved
from harness.target import BUILT_IN_TARGETS, WRITTEN, Name, Target

FILE_NAME = "jaxrig.toml"

DEFAULT_FLOOR = 0.02
"""A smaller change matters to nobody who did not ask for it."""

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*"
_HEADER = re.compile(rf"\s*\[\[?{_DOTTED}\]")
_KEY = re.compile(rf"{_DOTTED}=")


def _not_ceilings(name: str) -> str:
    """What ceilings are made of is not for a suite of one's own to say."""
    from workloads.catalog import CEILINGS  # takes long to import where no suite is declared

    if name == CEILINGS:
        raise ValueError(f"the suite {CEILINGS} is what limits are made of; choose another name")
    return name


SuiteName = Annotated[Name, AfterValidator(_not_ceilings)]
Glob = Annotated[str, Field(min_length=1)]
Floor = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Suite(_Frozen):
    """A named set of cases: globs over case ids, and how many launches measure them."""

    cases: tuple[str, ...] = Field(description="Globs over case ids, see `jaxrig cases`.")
    launches: int = Field(default=3, ge=1, le=1000, description="How many launches measure them.")


class Settings(_Frozen):
    """Everything that jaxrig.toml can say, merged over what is built in."""

    targets: Mapping[Name, Target] = Field(
        default={}, description="Software stacks to measure, by name; beside those built in."
    )
    suites: Mapping[SuiteName, Suite] = Field(
        default={}, description="Sets of cases, by name; beside those built in."
    )
    floors: Mapping[Glob, Floor] = Field(
        default={},
        description="From which change on a case counts as slower or faster, 0.02 being 2 %, by "
        "globs over case ids; where several match, the last one holds.",
    )

    def floor(self, case: str) -> float:
        """The smallest change of `case` that matters, 0.02 being 2 %."""
        found = [floor for glob, floor in self.floors.items() if fnmatchcase(case, glob)]
        return found[-1] if found else DEFAULT_FLOOR

    def names(self, globs: Sequence[str]) -> tuple[str, ...]:
        """Of targets, each once, in the order of the globs. Raises `UsageError` for one that
        matches nothing."""
        found: dict[str, None] = {}
        for glob in globs:
            matching = [name for name in self.targets if fnmatchcase(name, glob)]
            if not matching:
                self.target(glob)  # says which there are
            found |= dict.fromkeys(matching)
        return tuple(found)

    def target(self, name: str) -> Target:
        """Raises `UsageError` naming the known ones."""
        try:
            return self.targets[name]
        except KeyError:
            known = ", ".join(self.targets)
            raise UsageError(f"unknown target {name!r}; known are: {known}") from None


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
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}:{_line_told(text, error)}: not valid TOML: {error}") from error
    try:
        own = Settings.model_validate(_inherited(raw))
    except ValidationError as error:
        raise UsageError(_explain(path, text, raw, error)) from error
    except WrongParent as error:
        raise UsageError(_said(path, text, error.keys, str(error))) from error
    targets = {name: _located(target, folder) for name, target in own.targets.items()}
    return Settings(targets={**BUILT_IN_TARGETS, **targets}, suites=own.suites, floors=own.floors)


def _inherited(raw: dict[str, Any]) -> dict[str, Any]:
    """With what targets extend filled in; what is no table is left for the model to refuse."""
    targets = raw.get("targets")
    if not isinstance(targets, dict):
        return raw
    tables = {name: target for name, target in targets.items() if isinstance(target, dict)}
    built_in = {
        name: target.model_dump(exclude_unset=True) for name, target in BUILT_IN_TARGETS.items()
    }
    return {**raw, "targets": {**targets, **resolved(tables, built_in)}}


def _located(target: Target, folder: Path) -> Target:
    """Its own files with their full paths; what is not there stays a built-in's name, or a
    Python's on PATH."""
    named = ("dockerfile", "requirements", "python")
    paths = {key: getattr(target, key) for key in named}
    own = {
        key: folder / path
        for key, path in paths.items()
        if path is not None and (folder / path).exists()
    }
    if target.project is not None:
        own["project"] = (folder / target.project).resolve()
    return target.model_copy(update=own)


def _explain(path: Path, text: str, raw: Mapping[str, Any], error: ValidationError) -> str:
    """A line a mistake; one that targets inherit is told where it stands."""
    problems = error.errors(include_url=False)
    wrong = [[str(part) for part in each["loc"] if part != "[key]"] for each in problems]
    return "\n".join(
        _said(path, text, keys, _reason(problem))
        for keys, problem in zip(wrong, problems, strict=True)
        if not is_inherited(raw, keys, wrong)
    )


def _line_told(text: str, error: tomllib.TOMLDecodeError) -> int:
    """tomllib says the line, or that the text ends too early."""
    told = re.search(r"\(at line (\d+), column \d+\)", str(error))
    return int(told[1]) if told else max(1, len(text.splitlines()))


def _said(path: Path, text: str, keys: list[str], reason: str) -> str:
    line = line_of(text, keys)
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(keys)}: {reason}"


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key; see docs/targets.md for the known ones"
    if problem["type"] in ("model_type", "dict_type", "mapping_type"):
        return "must be a table; docs/targets.md shows one"
    if problem["type"] == "string_pattern_mismatch":
        return f"must be {WRITTEN[problem['ctx']['pattern']]}"
    if problem["type"] == "string_type":
        return 'must be a text in quotes, as in "text"'
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
