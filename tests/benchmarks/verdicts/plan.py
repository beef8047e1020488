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
    blocks = [tuple(_noisy())] * NOISY_BLOCKS
    blocks.insert(NOISY_BLOCKS // 2, tuple(_quiet()))
    found: list[Item] = []
    for who, noise, share in (each for block in blocks for each in block):
        number = sum((each.who, each.noise, each.share) == (who, noise, share) for each in found)
        found.append(Item(who=who, noise=noise, share=share, number=number))
    return tuple(found)


def _noisy() -> Iterator[tuple[Who, bool, float]]:
    for share in (*(0.0,) * UNCHANGED_A_BLOCK, *SHARES):
        yield "jaxrig", True, share
    for who in PEERS:
        for share in (0.0, PEERS_SHARE):
            yield who, True, share


def _quiet() -> Iterator[tuple[Who, bool, float]]:
    for who in ("jaxrig", *PEERS):
        for share in (0.0, PEERS_SHARE):
            yield who, False, share
