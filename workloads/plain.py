"""Values of any kind as JSON has them. What JSON lacks becomes text, and that is said."""

import math
import numbers
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

DEPTH = 16
TEXT_CHARACTERS = 4096
NAME_CHARACTERS = 256
_WHOLE = 2**63


def plain(value: Any, say: Callable[[str], None], name: str, depth: int = DEPTH) -> Any:
    """`value` as JSON; `say` is told, with `name`, of whatever had to be made text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= TEXT_CHARACTERS:
        return value.encode(errors="backslashreplace").decode()  # no lone surrogates
    number = _number(value)
    if number is not None:
        return number
    if isinstance(value, Mapping) and depth:
        return plain_mapping(value, say, name, depth)
    if isinstance(value, list | tuple) and depth:
        return [plain(each, say, f"{name}[{i}]", depth - 1) for i, each in enumerate(value)]
    say(f"{name} is no JSON ({type(value).__qualname__}); stored as text")
    return text_of(value)


def _number(value: Any) -> int | float | None:
    """`value`, if it is a number (NumPy's are such, too) that the host takes."""
    if isinstance(value, numbers.Integral):
        return int(value) if -_WHOLE <= int(value) < _WHOLE else None
    if not isinstance(value, numbers.Real | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a fraction beyond floats, a signalling NaN
        return None
    return number if math.isfinite(number) else None


def plain_mapping(
    values: Mapping[Any, Any], say: Callable[[str], None], name: str, depth: int = DEPTH
) -> dict[str, Any]:
    """`values` with keys that are text, and each value as JSON."""
    found = {}
    for key, value in values.items():
        known = text_of(key)[:NAME_CHARACTERS]
        if known != key:
            say(f"{name}: the key {known!r} stands for one that is no short text")
        found[known] = plain(value, say, f"{name}.{known}", depth - 1)
    return found


def text_of(value: Any) -> str:
    """`value` as text that is the same in every process: without an address in memory."""
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):  # a function or class
        return f"{getattr(value, '__module__', '')}.{name}"
    try:
        text = str(value)
    except Exception as error:  # whatever a stranger's __str__ raises
        text = f"cannot be shown: {type(error).__qualname__}"
    if " at 0x" in text:
        text = f"{type(value).__module__}.{type(value).__qualname__}"
    return text.encode(errors="backslashreplace").decode()[:TEXT_CHARACTERS]
