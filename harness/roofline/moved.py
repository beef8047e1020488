"""Which ceilings moved from one measurement of them to the next: by more than either scatters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log, log1p

from harness.roofline.ceilings import Ceilings, Hardware

FLOOR = 0.02
"""What moves less matters to nobody, however surely it does."""

Key = tuple[str, str, str]
"""Limit, what of it, unit."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """`before`, `after`: as it usually is, in `unit`."""

    limit: str
    what: str
    unit: str
    before: float
    after: float


def moved(before: Hardware, after: Hardware) -> Iterator[Moved]:
    """Of what both measured: where the usual value of either is beyond all that the other reached,
    at its best and at its worst."""
    others = _ranges(after)
    for key, one in _ranges(before).items():
        other = others.get(key)
        if other is not None and _are_apart(one, other):
            limit, what, unit = key
            yield Moved(limit=limit, what=what, unit=unit, before=one.usual, after=other.usual)


@dataclass(frozen=True, kw_only=True)
class _Range:
    usual: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def _are_apart(one: _Range, other: _Range) -> bool:
    matters = abs(log(other.usual / one.usual)) >= log1p(FLOOR)
    return matters and not one.holds(other.usual) and not other.holds(one.usual)


def _ranges(machine: Hardware) -> dict[Key, _Range]:
    usual, best, worst = map(_told, (machine.usual, machine.best, machine.worst))
    found = {}
    for key, value in usual.items():
        three = (value, best.get(key, value), worst.get(key, value))
        found[key] = _Range(usual=value, low=min(three), high=max(three))
    return found


def _told(ceilings: Ceilings) -> Mapping[Key, float]:
    """One number for each: the peak, the rate at the largest size, and at the smallest one."""
    found: dict[Key, float | None] = {
        ("compute", f"products, {dtype}", "FLOP/s"): each.peak_flops_per_s
        for dtype, each in ceilings.products.items()
    }
    found["bandwidth", "reads from memory", "B/s"] = float(ceilings.reads.rates[-1])
    found["bandwidth", "updates of memory", "B/s"] = float(ceilings.updates.rates[-1])
    found["bandwidth", "reads from the first cache", "B/s"] = float(ceilings.reads.rates[0])
    found["dispatch", "a call", "s"] = ceilings.dispatch.call_s
    for limit, ways in (("link", ceilings.ways), ("storage", ceilings.stored)):
        found |= {(limit, name, "B/s"): way.bytes_per_s for name, way in ways.items()}
    return {key: value for key, value in found.items() if value}
