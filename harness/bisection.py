"""Where the first bad revision lies by what was found so far, and which to try next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.revisions import Revision

Finding = Literal["good", "bad", "skipped"]
"""`skipped`: it could not be told whether it is good or bad."""


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """`revisions`: those of which one is the first bad, none before what it builds on; the last is
    known to be bad, and what they build on beside one another to be good. `found`: of revisions.

    What builds on a bad one is taken to be bad, and what a good one builds on to be good.
    """

    revisions: tuple[Revision, ...]
    found: Mapping[str, Finding]

    @cached_property
    def suspects(self) -> tuple[str, ...]:
        """Which may still be the first bad one, in their order: the last is bad itself."""
        return tuple(self._names(self._suspected))

    @property
    def next(self) -> str | None:
        """The one that halves the suspects best. Where some of these were skipped, others near by,
        and the further away the more were. None: nothing is left to be tried."""
        ranked = sorted(self._untried(), key=self._uneven)
        skipped = sum(self.found.get(name) == "skipped" for name in self.suspects)
        away = 2 ** max(skipped - 1, 0) - 1
        return ranked[min(away, len(ranked) // 2)] if ranked else None

    @property
    def first_bad(self) -> str | None:
        """None while there are other suspects; in the end such were skipped."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    def _untried(self) -> Iterator[str]:
        """Nothing but skipped ones are found among the suspects before the last."""
        return (name for name in self.suspects[:-1] if name not in self.found)

    def _uneven(self, name: str) -> int:
        """By how many the suspects differ that are left if it is good, and if it is bad."""
        before = (self._reach[name] & self._suspected).bit_count()
        return abs(2 * before - len(self.suspects))

    @cached_property
    def _suspected(self) -> int:
        """A bit for each of `revisions`, the lowest for the first."""
        left = self._reach[self.revisions[-1].name]
        for name, finding in self.found.items():
            if finding == "bad":
                left &= self._reach[name]
            elif finding == "good":
                left &= ~self._reach[name]
        return left

    @cached_property
    def _reach(self) -> Mapping[str, int]:
        """Of each revision, itself and all that it builds on, as bits."""
        return reach(self.revisions)

    def _names(self, bits: int) -> Iterator[str]:
        return (each.name for place, each in enumerate(self.revisions) if bits >> place & 1)


def reach(revisions: Sequence[Revision]) -> dict[str, int]:
    """As `Bisection._reach`. Raises KeyError where one comes before what it builds on."""
    found: dict[str, int] = {}
    for place, revision in enumerate(revisions):
        bits = 1 << place
        for parent in revision.parents:
            bits |= found[parent]
        found[revision.name] = bits
    return found
