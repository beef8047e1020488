"""What a machine and an image can do at most: `jaxrig ceilings`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import quantity
from harness.report.view import View
from harness.roofline.capacity import allocatable_bytes

if TYPE_CHECKING:
    from harness.roofline.ceilings import Ceilings, Hardware, Timed
    from harness.roofline.rates import Curve
    from workloads.catalog import Case


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """A row: `value` in `unit`, usually, and at its worst and its best."""

    limit: str
    what: str
    value: float
    worst: float
    best: float
    unit: str


def ceilings_view(run: str, machine: "Hardware", timed: Sequence["Timed"]) -> View:
    """`run`: that measured them. The table tells what they come to, the other formats each point
    that was measured as well."""
    told = [
        *_compute(machine),
        *_bandwidth(machine),
        *_dispatch(machine),
        *_ways(machine),
        *_capacity(timed),
    ]
    points = list(_points(timed))
    records = [
        {
            "run": run,
            "limit": each.limit,
            "ceiling": each.what,
            "value": each.value,
            "worst": each.worst,
            "best": each.best,
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
        columns=("run", "limit", "ceiling", "value", "worst", "best", "unit"),
    )


def _of(each: Ceiling) -> tuple[float, float, float]:
    return each.value, each.worst, each.best


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return quantity.seconds(value)
    return quantity.size(value) if unit == "B" else quantity.rate(value, unit)


def _compute(machine: "Hardware") -> Iterator[Ceiling]:
    three = _three(machine)
    for dtype in machine.usual.products:
        peaks = (each.products[dtype].peak_flops_per_s for each in three)
        yield _ceiling("compute", f"products, {dtype}", "FLOP/s", peaks)
    for dtype, variant in machine.usual.convolutions:
        peaks = (each.convolutions[dtype, variant].peak_flops_per_s for each in three)
        yield _ceiling("compute", f"convolutions, {variant}, {dtype}", "FLOP/s", peaks)
    for function, dtype in machine.usual.functions:
        rates = (1 / each.functions[function, dtype] for each in three)
        yield _ceiling("compute", f"{function}, {dtype}", "element/s", rates)
    for dtype in machine.usual.transposed:
        rates = (float(each.transposed[dtype].rates.max()) for each in three)
        yield _ceiling("compute", f"transpositions, {dtype}", "element/s", rates)


def _three(machine: "Hardware") -> "tuple[Ceilings, Ceilings, Ceilings]":
    """In the order of the table's columns."""
    return machine.usual, machine.worst, machine.best


def _ceiling(limit: str, what: str, unit: str, values: Iterable[float]) -> Ceiling:
    value, worst, best = values
    return Ceiling(limit=limit, what=what, value=value, worst=worst, best=best, unit=unit)


def _bandwidth(machine: "Hardware") -> Iterator[Ceiling]:
    usual, worst, best = _three(machine)
    curves = {
        "reads": (usual.reads, worst.reads, best.reads),
        "updates": (usual.updates, worst.updates, best.updates),
    }
    if usual.writes and worst.writes and best.writes:
        curves["writes"] = (usual.writes, worst.writes, best.writes)
    for name, (curve, low, high) in curves.items():
        for first, last, rate in curve.plateaus():
            ends = min(_within(low, first, last)), max(_within(high, first, last))
            yield _ceiling("bandwidth", f"{name}, {_stretch(first, last)}", "B/s", (rate, *ends))
    if usual.picked and worst.picked and best.picked:
        for size in map(float, usual.picked.sizes):
            rates = (curve(size) for curve in (usual.picked, worst.picked, best.picked))
            yield _ceiling("bandwidth", f"gathers from {quantity.size(size)}", "load/s", rates)
    if usual.chase_s and worst.chase_s and best.chase_s:
        waits_s = (usual.chase_s, worst.chase_s, best.chase_s)
        yield _ceiling("bandwidth", "a load that waits for the one before", "s", waits_s)


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


def _dispatch(machine: "Hardware") -> Iterator[Ceiling]:
    names = {
        "call_s": "a call",
        "handed_s": "a call that another thread takes over",
        "woken_s": "the same of a thread that sleeps",
        "queued_s": "a call among many that queue",
        "argument_s": "an array that is passed",
        "result_s": "an array that comes back",
        "kernel_s": "a kernel",
        "looped_s": "a kernel in a loop",
    }
    for name, what in names.items():
        times_s = (getattr(each.dispatch, name) for each in _three(machine))
        yield _ceiling("dispatch", what, "s", times_s)


def _ways(machine: "Hardware") -> Iterator[Ceiling]:
    for limit, named in (("link", "ways"), ("storage", "stored")):
        three = [getattr(each, named) for each in _three(machine)]
        for name in three[0]:
            for told, unit in (("bytes_per_s", "B/s"), ("latency_s", "s")):
                values = [getattr(ways[name], told) for ways in three]
                if all(values):
                    what = name if unit == "B/s" else f"{name}, latency"
                    yield _ceiling(limit, what, unit, values)


def _capacity(timed: Sequence["Timed"]) -> Iterator[Ceiling]:
    """What may be allocated is counted once, and neither better nor worse at times."""
    if (room := allocatable_bytes(timed)) is not None:
        yield _ceiling("capacity", "memory that may be allocated", "B", [room] * 3)
    for each in timed:
        if each.case.parameters.get("kernel") == "allocate":
            rates = (each.case.cost.bytes / time_s for time_s in _times_s(each))
            yield _ceiling("capacity", "fresh memory, touched", "B/s", rates)


def _times_s(timed: "Timed") -> tuple[float, float, float]:
    return timed.median_s, timed.worst_s, timed.best_s


def _points(timed: Sequence["Timed"]) -> Iterator[Ceiling]:
    """Each case that was measured, in what its limit is counted, or else in seconds."""
    for each in timed:
        limit, (amount, unit) = _counted(each.case)
        values = (amount / time_s if amount else time_s for time_s in _times_s(each))
        yield _ceiling(limit, each.case.id, unit if amount else "s", values)


def _counted(case: "Case") -> tuple[str, tuple[float, str]]:
    """The limit that a case is there for, and of what a call does how much."""
    cost, kernel = case.cost, str(case.parameters.get("kernel"))
    if kernel in ("gather", "chase"):
        return "bandwidth", (float(case.integer("loads")), "load/s")
    if kernel == "transpose":
        return "compute", (float(case.integer("elements") * case.integer("passes")), "element/s")
    if kernel == "allocate":
        return "capacity", (cost.bytes, "B/s")
    match case.workload:
        case "matmul" | "convolution":
            return "compute", (cost.flops, "FLOP/s")
        case "activation":
            return "compute", (float(case.integer("rows") * case.integer("columns")), "element/s")
        case "memory":
            return "bandwidth", (cost.bytes, "B/s")
        case "link" | "collective":
            return "link", (cost.link_bytes, "B/s")
        case "storage":
            return "storage", (cost.storage_bytes, "B/s")
    return "dispatch", (0.0, "s")
