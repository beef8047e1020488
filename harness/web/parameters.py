"""What can be asked for: each parameter with its words, its schema, and how it is read.

Addresses are read by the same declarations that the API is described by.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from harness.moments import moment
from harness.web.refused import not_asked_so

LONGEST = 300
"""Characters of a value."""

MOST_REPEATED = 20

MOST_ROWS = 1000
ROWS = 100
FURTHEST = 100_000
"""Rows that can be passed over: who wants all of them has `jaxrig export`."""

Schema = Mapping[str, Any]
Given = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """`read`: of what is written; raises ValueError. `repeats`: may be given several times, and is
    a tuple. `default`: where it is not given; one that is `required` has none."""

    name: str
    text: str
    schema: Schema
    read: Callable[[str], Any]
    repeats: bool = False
    required: bool = False
    default: Any = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`given`: as it was written, in order. `values`: by parameter, as they were read."""

    path: str
    given: Given = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def others(self, **changed: object) -> list[tuple[str, str]]:
        """What is asked for, but for what changed."""
        kept = [(name, text) for name, text in self.given if name not in changed]
        return kept + [(name, str(value)) for name, value in changed.items()]


def read_asked(
    parameters: Sequence[Parameter], path: str, given: Given, *, forms: bool = False
) -> Asked:
    """`forms`: what is empty was left out. Raises `Refused`."""
    told = [(name, text) for name, text in given if text or not forms]
    known = {each.name: each for each in parameters}
    for name, _ in told:
        if name not in known:
            raise not_asked_so(f"unknown parameter {name!r}; known are: {_listed(known)}")
    values = {
        each.name: _value(each, [text for name, text in told if name == each.name])
        for each in parameters
    }
    return Asked(path=path, given=told, values=values)


def _listed(known: Collection[str]) -> str:
    return ", ".join(known) or "none"


def _value(parameter: Parameter, texts: Sequence[str]) -> Any:
    most = MOST_REPEATED if parameter.repeats else 1
    if len(texts) > most:
        raise not_asked_so(f"{parameter.name} is given {len(texts)} times, {most} at most")
    if not texts:
        if parameter.required:
            raise not_asked_so(f"{parameter.name} is missing: {parameter.text}")
        return parameter.default
    values = tuple(_read(parameter, text) for text in texts)
    return values if parameter.repeats else values[0]


def _read(parameter: Parameter, text: str) -> Any:
    try:
        if len(text) > LONGEST:
            raise ValueError(f"{len(text)} characters, {LONGEST} at most")
        return parameter.read(text)
    except ValueError as error:
        raise not_asked_so(f"{parameter.name}: {error}") from error


def text(name: str, what: str, *, repeats: bool = False, required: bool = False) -> Parameter:
    return Parameter(
        name=name,
        text=what,
        schema={"type": "string", "minLength": 1, "maxLength": LONGEST},
        read=_not_empty,
        repeats=repeats,
        required=required,
        default=() if repeats else None,
    )


def _not_empty(written: str) -> str:
    if not written:
        raise ValueError("nothing is written; leave it out")
    return written


def one_of(name: str, what: str, words: Sequence[str], *, repeats: bool = False) -> Parameter:
    return Parameter(
        name=name,
        text=what,
        schema={"type": "string", "enum": list(words)},
        read=partial(_among, words),
        repeats=repeats,
        default=() if repeats else None,
    )


def _among(words: Sequence[str], written: str) -> str:
    if written not in words:
        raise ValueError(f"{written!r} is none of {', '.join(words)}")
    return written


def whole(name: str, what: str, *, default: int, least: int, most: int) -> Parameter:
    return Parameter(
        name=name,
        text=what,
        schema={"type": "integer", "minimum": least, "maximum": most, "default": default},
        read=partial(_between, least, most),
        default=default,
    )


def _between(least: int, most: int, written: str) -> int:
    plain = written.isascii() and written.isdecimal() and len(written) <= len(str(most))
    if not plain or not least <= int(written) <= most:
        raise ValueError(f"{written!r} is not a whole number from {least} to {most}")
    return int(written)


def began(name: str, what: str) -> Parameter:
    return Parameter(
        name=name,
        text=f"{what}: 30d (ago), 2026-01-31, 2026-01-31T10:00Z",
        schema={"type": "string", "pattern": _MOMENT},
        read=_moment,
    )


_MOMENT = r"^([0-9]{1,3}[smhdw]|[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))$"
"""Of those that are read, which are more, what everybody can write."""


def _moment(written: str) -> datetime:
    """So long ago as of this minute: what is asked for within one is the same. Raises
    ValueError."""
    found = moment(written, datetime.now(UTC).replace(second=0, microsecond=0))
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{written!r} is in no year that can be told") from error


def tag(name: str, what: str) -> Parameter:
    return Parameter(
        name=name,
        text=what,
        schema={"type": "string", "pattern": "^[^=]{1,100}=", "maxLength": LONGEST},
        read=_tag,
        repeats=True,
        default=(),
    )


def _tag(written: str) -> tuple[str, str]:
    key, equals, value = written.partition("=")
    if not key or not equals:
        raise ValueError(f"{written!r} is not KEY=VALUE")
    return key, value


def switch(name: str, what: str) -> Parameter:
    return Parameter(
        name=name,
        text=what,
        schema={"type": "boolean", "default": False},
        read=lambda written: _among(("true", "false"), written) == "true",
        default=False,
    )


PAGING = (
    whole("limit", "rows of a page", default=ROWS, least=1, most=MOST_ROWS),
    whole("offset", "rows that come before it", default=0, least=0, most=FURTHEST),
)
