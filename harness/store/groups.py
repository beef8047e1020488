"""Which measurements are launches of one case and run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Groups:
    """`rows`: all of them, those of a group together. `starts`: where in these each one begins."""

    rows: Sequence[int]
    starts: Sequence[int]

    def first(self, values: Sequence[T]) -> list[T]:
        """Each group's first value."""
        return list(map(values.__getitem__, self._firsts))

    @cached_property
    def _firsts(self) -> list[int]:
        return list(map(self.rows.__getitem__, self.starts))

    def sizes(self) -> list[int]:
        return [end - start for start, end in self._ends()]

    def over(
        self, values: Sequence[float | None], how: Callable[[Sequence[float]], float]
    ) -> list[float | None]:
        """Each group's values as one; None where none is known."""
        if len(self.starts) == len(self.rows):  # one launch each: nothing to do
            return self.first(values)
        found: list[float | None] = []
        for start, end in self._ends():
            some = [values[row] for row in self.rows[start:end]]
            known = [value for value in some if value is not None]
            found.append(how(known) if known else None)
        return found

    def _ends(self) -> Iterator[tuple[int, int]]:
        return pairwise([*self.starts, len(self.rows)])


def grouped(keys: Sequence[int]) -> Groups:
    """Rows of equal keys, the smallest key first; of one key in their order."""
    rows = sorted(range(len(keys)), key=keys.__getitem__)
    ordered = [keys[row] for row in rows]
    starts = [place for place, (key, after) in enumerate(pairwise(ordered), 1) if key != after]
    return Groups(rows=rows, starts=[0, *starts] if rows else [])
