"""The names of what a file tells and the neutral form has no place for."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.exchange.cleaned import facts, printable

_MOST = 500
_LONGEST = 200


class Unmapped:
    """Each name once, in the order met, as `benchmarks[].cprofile`; why, after a colon."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._more = 0

    def add(self, name: str, why: str = "") -> None:
        text = printable(f"{name}: {why}" if why else name, _LONGEST)
        if text in self._names:
            return
        if len(self._names) < _MOST:
            self._names[text] = None
        else:
            self._more += 1

    def extras(self, where: str, told: Mapping[str, Any], but: Iterable[str] = ()) -> None:
        """Everything in `told` that says something, except for the keys in `but`."""
        for key in sorted(told.keys() - but):
            if told[key] not in (None, "", [], {}):
                self.add(f"{where}.{key}" if where else key)

    def facts(self, told: Mapping[str, Any], name: str) -> dict[str, Any]:
        """`told` as `cleaned.facts` has it; what had to be changed is named."""
        changed = list[str]()
        cleaned = facts(told, name, changed)
        for each in changed:
            self.add(each)
        return cleaned

    @property
    def names(self) -> tuple[str, ...]:
        more = (f"… and {self._more} more",) if self._more else ()
        return (*self._names, *more)
