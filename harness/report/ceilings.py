"""What a machine and an image can do at most: `jaxrig ceilings`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.view import View

if TYPE_CHECKING:
    from harness.roofline.ceilings import Hardware, Timed
    from harness.roofline.rates import Curve


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """A row: `value` in `unit`, usually; `low`, `high`: at its worst and at its best."""

    limit: str
    what: str
    value: float
    low: float
    high: float
    unit: str


def ceilings_view(run: str, machine: "Hardware", timed: Sequence["Timed"]) -> View:
    """`run`: that measured them. The table tells what they come to, the other formats each point
    that was measured as well."""
    told = [*_compute(machine), *_bandwidth(machine), *_dispatch(machine), *_ways(machine)]
    points = list(_points(timed))
    records = [
        {
            "run": run,
            "limit": each.limit,
            "ceiling": each.what,
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "unit": each.unit,
        }
        for each in (*told, *points)
    ]
    return View(
        document=records,
        records=records,
        headers=("limit", "ceiling", "usually", "at worst", "at best"),
        rows=[
            (each.limit, each.what, *(_shown(value, each.unit) for value in _of(each)))
            for each in told
        ],
        notes=[f"measured by {run}; --format json has every point"],
        columns=("run", "limit", "ceiling", "value", "low", "high", "unit"),
    )


def _of(each: Ceiling) -> tuple[float, float, float]:
    return each.value, each.low, each.high


def _shown(value: float, unit: str) -> str:
    return quantity.seconds(value) if unit == "s" else quantity.rate(value, unit)


def _compute(machine: "Hardware") -> Iterator[Ceiling]:
    for dtype, usual in machine.usual.products.items():
        yield Ceiling(
            limit="compute",
            what=f"products, {dtype}",
            value=usual.peak_flops_per_s,
            low=machine.worst.products[dtype].peak_flops_per_s,
            high=machine.best.products[dtype].peak_flops_per_s,
            unit="FLOP/s",
        )
    for (dtype, variant), usual in machine.usual.convolutions.items():
        yield Ceiling(
            limit="compute",
            what=f"convolutions, {variant}, {dtype}",
            value=usual.peak_flops_per_s,
            low=machine.worst.convolutions[dtype, variant].peak_flops_per_s,
            high=machine.best.convolutions[dtype, variant].peak_flops_per_s,
            unit="FLOP/s",
        )


def _bandwidth(machine: "Hardware") -> Iterator[Ceiling]:
    usual, worst, best = machine.usual, machine.worst, machine.best
    curves = {
        "reads": (usual.reads, worst.reads, best.reads),
        "updates": (usual.updates, worst.updates, best.updates),
    }
    if usual.writes and worst.writes and best.writes:
        curves["writes"] = (usual.writes, worst.writes, best.writes)
    for name, (curve, low, high) in curves.items():
        for first, last, rate in curve.plateaus():
            yield Ceiling(
                limit="bandwidth",
                what=f"{name}, {_stretch(first, last)}",
                value=rate,
                low=_least(low, first, last),
                high=_most(high, first, last),
                unit="B/s",
            )
    if usual.picked and worst.picked and best.picked:
        for size in map(float, usual.picked.sizes):
            yield Ceiling(
                limit="bandwidth",
                what=f"gathers from {quantity.size(size)}",
                value=usual.picked(size),
                low=worst.picked(size),
                high=best.picked(size),
                unit="load/s",
            )


def _stretch(first: float, last: float) -> str:
    if first == last:
        return quantity.size(first)
    return f"{quantity.size(first)} to {quantity.size(last)}"


def _within(curve: "Curve", first: float, last: float) -> list[float]:
    return [
        float(rate)
        for size, rate in zip(curve.sizes, curve.rates, strict=True)
        if first <= size <= last
    ]


def _least(curve: "Curve", first: float, last: float) -> float:
    return min(_within(curve, first, last))


def _most(curve: "Curve", first: float, last: float) -> float:
    return max(_within(curve, first, last))


def _dispatch(machine: "Hardware") -> Iterator[Ceiling]:
    names = {
        "call_s": "a call",
        "handed_s": "a call that another thread takes over",
        "queued_s": "a call among many that queue",
        "argument_s": "an array that is passed",
        "result_s": "an array that comes back",
        "kernel_s": "a kernel",
    }
    for name, what in names.items():
        usual, low, high = (
            getattr(each.dispatch, name) for each in (machine.usual, machine.worst, machine.best)
        )
        yield Ceiling(limit="dispatch", what=what, value=usual, low=low, high=high, unit="s")


def _ways(machine: "Hardware") -> Iterator[Ceiling]:
    for limit, named in (("link", "ways"), ("storage", "stored")):
        usual, worst, best = (
            getattr(each, named) for each in (machine.usual, machine.worst, machine.best)
        )
        for name in usual:
            ways = (usual[name], worst[name], best[name])
            for told, unit in (("bytes_per_s", "B/s"), ("latency_s", "s")):
                value, low, high = (getattr(way, told) for way in ways)
                if value and low and high:
                    what = name if unit == "B/s" else f"{name}, latency"
                    yield Ceiling(
                        limit=limit, what=what, value=value, low=low, high=high, unit=unit
                    )


def _points(timed: Sequence["Timed"]) -> Iterator[Ceiling]:
    """Each case that was measured, in what its limit is counted."""
    for each in timed:
        cost = each.case.cost
        amounts = {
            "compute": (cost.flops, "FLOP/s"),
            "bandwidth": (cost.bytes, "B/s"),
            "link": (cost.link_bytes, "B/s"),
            "storage": (cost.storage_bytes, "B/s"),
        }
        limit = _LIMITS.get(each.case.workload, "dispatch")
        amount, unit = amounts.get(limit, (0.0, "s"))
        times_s = (each.median_s, each.worst_s, each.best_s)
        value, low, high = (amount / time_s if amount else time_s for time_s in times_s)
        yield Ceiling(
            limit=limit,
            what=each.case.id,
            value=value,
            low=low,
            high=high,
            unit=unit if amount else "s",
        )


_LIMITS = {
    "matmul": "compute",
    "convolution": "compute",
    "activation": "bandwidth",
    "memory": "bandwidth",
    "link": "link",
    "collective": "link",
    "storage": "storage",
}
