"""Text, and JSON, that both databases can hold and look into."""

import json
from typing import Any


def storable(text: str) -> str:
    """PostgreSQL holds no NUL; no database holds the halves of a pair that Python makes of bytes
    which are no UTF-8. They become U+FFFD, and what they are called: backslash, udcff."""
    if text.isascii() and "\0" not in text:
        return text
    whole = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return whole.encode(errors="backslashreplace").decode()


def document(value: Any, *, sort_keys: bool = False) -> str:
    """JSON, all text in it as `storable` makes it."""
    text = json.dumps(value, sort_keys=sort_keys)
    if "\\u0000" in text or "\\ud" in text:  # the latter begins every pair, too: that is whole
        return json.dumps(_storable(value), sort_keys=sort_keys)
    return text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value
