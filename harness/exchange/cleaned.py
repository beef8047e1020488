"""What strangers wrote, made fit for the database: nothing is lost without a word."""

import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

LONGEST_CASE = 512
LONGEST_TEXT = 4096
LONGEST_VALUE = 65536

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])i?B?", re.IGNORECASE)
_POWERS = {"K": 10, "M": 20, "G": 30, "T": 40}
_ARCHITECTURES = re.compile(
    r"\b(x86_64|amd64|aarch64|arm64|i686|i386|ppc64le|s390x|riscv64|armv7l)\b", re.IGNORECASE
)


def printable(text: str, most: int = LONGEST_TEXT) -> str:
    """`text` with what cannot be printed escaped. Where it is longer than `most`, it is cut, and
    ends in a hash of the whole, so that texts that differ stay different."""
    if not text.isprintable():
        text = "".join(_escaped(character) for character in text)
    if len(text) <= most:
        return text
    mark = f"…#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return text[: most - len(mark)] + mark


def case_name(text: str, warnings: list[str]) -> str:
    """`text` as a `harness.records.CaseId`; what had to be changed is told in `warnings`."""
    if not text:
        raise ValueError("a benchmark has an empty name")
    name = printable(text, LONGEST_CASE)
    if name != text:
        warnings.append("the case's name was shortened or escaped")
    return name


def once(cases: Iterable[str]) -> None:
    """Raises `ValueError` where a case comes twice."""
    seen: set[str] = set()
    for case in cases:
        if case in seen:
            raise ValueError(f"{case} is in it twice")
        seen.add(case)


def facts(told: Mapping[str, Any], name: str, warnings: list[str]) -> dict[str, Any]:
    """`told` as JSON that any database takes: NaN and infinities become text, texts beyond
    `LONGEST_VALUE` are cut. Either is a warning, which calls it `name`."""
    changed = list[str]()
    cleaned = {printable(key): _fit(value, changed) for key, value in told.items()}
    if changed:
        warnings.append(f"{name}: {changed[0]}")
    return cleaned


def hardware(
    *,
    cpu_model: object = None,
    architecture: object = None,
    threads: object = None,
    memory_gib: int | None = None,
    caches: list[str] | None = None,
) -> dict[str, Any]:
    """Facts of a machine; None for what is not told, or told as nothing sensible. None of the
    formats tells cores apart from threads."""
    return {
        "cpu_model": _word(cpu_model),
        "architecture": _word(architecture),
        "cores": None,
        "threads": count(threads),
        "memory_gib": memory_gib,
        "caches": caches,
    }


def count(told: object) -> int | None:
    """A number of things, which some tools write as text; None if it is not one."""
    number = int(told) if isinstance(told, str) and re.fullmatch(r"[0-9]{1,9}", told) else told
    fits = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**9
    return number if fits and isinstance(number, int) else None


def gibibytes(told: object) -> int | None:
    """Memory written as bytes or as `16GB`. Smaller numbers are None: their unit is unknown."""
    text = str(told).strip()
    if re.fullmatch(r"[0-9]{10,18}", text):
        return round(int(text) / (1 << 30))
    if size := _SIZE.fullmatch(text[:32]):
        return round(float(size[1]) * (1 << _POWERS[size[2].upper()]) / (1 << 30)) or None
    return None


def architecture_in(platform: object) -> str | None:
    """As `x86_64` in `Linux-6.1-x86_64-with-glibc2.36`."""
    found = _ARCHITECTURES.search(platform) if isinstance(platform, str) else None
    return found[1] if found else None


def moment(text: str, where: str) -> tuple[datetime, bool]:
    """An ISO time in UTC, and whether its zone was told; without one it is taken as UTC."""
    try:
        told = datetime.fromisoformat(text)
        zoned = told.tzinfo is not None
        return (told.astimezone(UTC) if zoned else told.replace(tzinfo=UTC)), zoned
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where}: no ISO date and time") from error


def moment_of_ms(milliseconds: float | None, where: str) -> datetime | None:
    """Milliseconds since 1970, as asv counts."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{where}: no time in milliseconds since 1970") from error


def _escaped(character: str) -> str:
    """A space other than the common one can be printed; what `CaseId` refuses cannot."""
    category = unicodedata.category(character)
    if category[0] != "C" and category not in ("Zl", "Zp"):
        return character
    return character.encode("unicode_escape").decode()


def _word(told: object) -> str | None:
    return printable(told.strip()) or None if isinstance(told, str) else None


def _fit(value: Any, changed: list[str]) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        changed.append(f"a text was cut at {LONGEST_VALUE} characters")
        return f"{value[:LONGEST_VALUE]}…"
    if isinstance(value, float) and not math.isfinite(value):
        changed.append("JSON has no NaN or infinity; stored as text")
        return str(value)
    if isinstance(value, dict):
        return {printable(key): _fit(each, changed) for key, each in value.items()}
    if isinstance(value, list):
        return [_fit(each, changed) for each in value]
    return value
