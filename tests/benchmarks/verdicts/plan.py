"""What is measured, in which order: everything once, then everything again, so that a drift of
the machine meets all alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.benchmarks.verdicts import SHARES

Who = Literal["jaxrig", "asv", "pyperf", "pytest-benchmark"]

PEERS: tuple[Who, ...] = ("asv", "pyperf", "pytest-benchmark")
PEERS_SHARE = 0.05

NOISY_BLOCKS = 5
QUIET_BLOCKS = 1
UNCHANGED_A_BLOCK = 2


@dataclass(frozen=True, kw_only=True)
class Item:
    """One comparison of all cases. `share`: how much slower the candidate is; 0: not at all."""

    who: Who
    noise: bool
    share: float
    number: int

    @property
    def id(self) -> str:
        return f"{self.who}/{'noise' if self.noise else 'quiet'}/{self.share:g}/{self.number}"


def plan() -> tuple[Item, ...]:
    """Every comparison, in its order; the quiet ones in the middle."""
    noisy = [True] * NOISY_BLOCKS
    noisy[NOISY_BLOCKS // 2 : NOISY_BLOCKS // 2] = [False] * QUIET_BLOCKS
    found: list[Item] = []
    for noise in noisy:
        for who, share in _block():
            number = sum(
                (each.who, each.noise, each.share) == (who, noise, share) for each in found
            )
            found.append(Item(who=who, noise=noise, share=share, number=number))
    return tuple(found)


def _block() -> Iterator[tuple[Who, float]]:
    for share in (*(0.0,) * UNCHANGED_A_BLOCK, *SHARES):
        yield "jaxrig", share
    for who in PEERS:
        for share in (0.0, PEERS_SHARE):
            yield who, share
