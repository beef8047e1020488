"""What is said of many cases, said once."""

from collections.abc import Iterable

NAMES = 3
"""Of the cases of which one thing is said, how many are named."""


def said_once(what: str, said: Iterable[tuple[str, str]]) -> list[str]:
    """Whatever is said of cases once, with the cases that it is said of."""
    cases: dict[str, dict[str, None]] = {}
    for case, words in said:
        cases.setdefault(words, {})[case] = None
    return [f"{what}: {some(list(names))}: {words}" for words, names in cases.items()]


def some(names: list[str]) -> str:
    """`names`; of many the first, and how many more there are."""
    more = len(names) - NAMES
    shown = names if more <= 1 else names[:NAMES]
    return ", ".join(shown) + (f" and {more} more" if more > 1 else "")
