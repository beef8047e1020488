"""Ceilings from the cases of the suite `ceilings`, each as it was timed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.roofline.ceilings import (
    MOVES,
    Ceilings,
    Dispatch,
    Hardware,
    Timed,
    Way,
    action_of,
    as_product,
    collective_of,
)
from harness.roofline.rates import Curve, Products
from workloads.catalog import ITEMSIZE_BYTES, Case
from workloads.catalog.chain import variant_of
from workloads.catalog.operations import Variant

LEAST_SHARE = 0.2
"""Of a call's time that stays when the way to the device and back is taken off."""

FEW_ROWS = 64
"""A product of fewer rows that is asked for by the host reads its weights from wherever they lie:
that is bandwidth, and no ceiling of computing."""

Pick = Callable[[Timed], float]


def best(timed: Timed) -> float:
    """The time that no other is far below."""
    return timed.best_s


def usual(timed: Timed) -> float:
    """The median."""
    return timed.median_s


def worst(timed: Timed) -> float:
    """The time that it seldom takes longer than."""
    return timed.worst_s


def hardware_of(timed: Iterable[Timed], *, private_bytes: float, queued: bool) -> Hardware:
    """As `ceilings_of`."""
    known = list(timed)
    found = (
        ceilings_of(known, pick, private_bytes=private_bytes, queued=queued)
        for pick in (best, usual, worst)
    )
    return Hardware(**dict(zip(("best", "usual", "worst"), found, strict=True)))


def ceilings_of(
    timed: Iterable[Timed], pick: Pick, *, private_bytes: float, queued: bool
) -> Ceilings:
    """Raises `LookupError` where one is missing without which nothing can be told: calls, reads or
    updates."""
    known = list(timed)
    calls = _dispatch(known, usual)
    found = _Found(
        pick,
        handed_s=0.0 if queued else calls.handed_s,
        looped_s=0.0 if queued else calls.looped_s,
        private_bytes=private_bytes,
    )
    for each in known:
        found.take(each)
    products = {dtype: _products(points) for dtype, points in found.products.items()}
    reads = _needed(found.sweeps, "read")
    return Ceilings(
        dispatch=_dispatch(known, pick),
        products=products,
        gradients={key: _products(points) for key, points in found.gradients.items()},
        convolutions={key: _products(points) for key, points in found.convolutions.items()},
        functions=found.functions,
        moved=found.moved,
        reads=reads,
        writes=_curve(found.sweeps["write"]),
        updates=_needed(found.sweeps, "update"),
        transposed={
            dtype: curve
            for dtype, points in found.transposed.items()
            if (curve := _curve(points)) is not None
        },
        picked=_curve(found.picked),
        chase_s=found.chase_s,
        slowed={
            dtype: _slowed(points, dtype, products[dtype], reads)
            for dtype, points in found.far.items()
            if dtype in products
        },
        fresh_s=0.0 if queued else found.fresh_s,  # an accelerator's client keeps what it has
        ways={name: _way(points) for name, points in found.ways.items()},
        stored={name: _way(points) for name, points in found.stored.items()},
        private_bytes=private_bytes,
        queued=queued,
    )


Points = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class _Point:
    """A product that was timed; `flops`: that are needed; `chained`: within a program."""

    shape: tuple[int, ...]
    seconds: float
    flops: float
    chained: bool


class _Found:
    """What the cases say, one after the other. What is taken off, a call's own cost, kernels
    between a chain's products and what an element costs that is only moved, is as it usually is:
    the best of one time less the best of another may be better than both."""

    def __init__(
        self, pick: Pick, *, handed_s: float, looped_s: float, private_bytes: float
    ) -> None:
        self.pick, self.handed_s, self.looped_s = pick, handed_s, looped_s
        self.private_bytes = private_bytes
        self.products: dict[str, list[_Point]] = defaultdict(list)
        self.far: dict[str, list[tuple[_Point, float]]] = defaultdict(list)
        self.gradients: dict[tuple[str, Variant, int], list[_Point]] = defaultdict(list)
        self.convolutions: dict[tuple[str, Variant], list[_Point]] = defaultdict(list)
        self.functions: dict[tuple[str, str], float] = {}
        self.moved: dict[str, float] = {}
        self.sweeps: dict[str, Points] = defaultdict(list)
        self.transposed: dict[str, Points] = defaultdict(list)
        self.picked: Points = []
        self.chase_s: float | None = None
        self.fresh_s = 0.0
        self.ways: dict[str, Points] = defaultdict(list)
        self.stored: dict[str, Points] = defaultdict(list)

    def take(self, timed: Timed) -> None:
        how = {
            "matmul": self._product,
            "convolution": self._convolution,
            "activation": self._function,
            "memory": self._memory,
            "link": self._link,
            "collective": self._collective,
            "storage": self._storage,
        }.get(timed.case.workload)
        if how is not None:
            how(timed.case, timed)

    def _seconds(self, timed: Timed, pick: Pick | None = None) -> float:
        took_s = (pick or self.pick)(timed)
        return max(took_s - self.handed_s, LEAST_SHARE * took_s)

    def _product(self, case: Case, timed: Timed) -> None:
        passes = _integer(case, "passes", 1)
        shape = (_integer(case, "batch", 1), *(case.integer(name) for name in ("m", "k", "n")))
        chained = "passes" in case.parameters
        if not chained and shape[0] * shape[1] < FEW_ROWS:
            return
        once_s = self._seconds(timed) / passes
        beside_s = self.looped_s * ((timed.kernels or passes) / passes - 1)
        seconds = max(once_s - beside_s, LEAST_SHARE * once_s)
        point = _Point(
            shape=shape, seconds=seconds, flops=case.cost.flops / passes, chained=chained
        )
        if "weights" in case.parameters and case.cost.bytes > self.private_bytes:
            self.far[case.dtype].append((point, case.cost.bytes))
        elif (variant := variant_of(case)) == "forward":
            self.products[case.dtype].append(point)
        else:
            self.gradients[case.dtype, variant, _integer(case, "axes", 1)].append(point)

    def _convolution(self, case: Case, timed: Timed) -> None:
        names = ("batch", "size", "kernel", "stride", "inputs", "outputs")
        shape = as_product(tuple(case.integer(name) for name in names))
        variant: Variant = case.phase  # type: ignore[assignment]
        self.convolutions[case.dtype, variant].append(
            _Point(shape=shape, seconds=self._seconds(timed), flops=case.cost.flops, chained=False)
        )

    def _function(self, case: Case, timed: Timed) -> None:
        elements = case.integer("rows") * case.integer("columns")
        function = str(case.parameters["activation"])
        self.functions[function, case.dtype] = self._seconds(timed) / elements
        if function == MOVES:
            self.moved[case.dtype] = self._seconds(timed, usual) / elements

    def _memory(self, case: Case, timed: Timed) -> None:
        kernel, took_s = str(case.parameters["kernel"]), self._seconds(timed)
        elements = case.integer("elements")
        size_bytes = float(elements * ITEMSIZE_BYTES[case.dtype])
        if kernel == "transpose":
            passes = case.integer("passes")
            self.transposed[case.dtype].append((size_bytes, elements * passes / took_s))
        elif "passes" in case.parameters:
            self.sweeps[kernel].append((size_bytes, case.cost.bytes / took_s))
        elif kernel == "gather":
            self.picked.append((size_bytes, case.integer("loads") / took_s))
        elif kernel == "chase":
            self.chase_s = took_s / case.integer("loads")
        elif kernel == "allocate":
            self.fresh_s = took_s / case.cost.bytes

    def _link(self, case: Case, timed: Timed) -> None:
        self.ways[case.phase].append((case.cost.link_bytes, self.pick(timed)))

    def _collective(self, case: Case, timed: Timed) -> None:
        self.ways[collective_of(case)].append((case.cost.link_bytes, self.pick(timed)))

    def _storage(self, case: Case, timed: Timed) -> None:
        self.stored[action_of(case)].append((case.cost.storage_bytes, self.pick(timed)))


def _dispatch(timed: Iterable[Timed], pick: Pick) -> Dispatch:
    known = {each.case.id: each for each in timed if each.case.workload == "dispatch"}

    def of(kind: str) -> Timed:
        if (found := known.get(f"dispatch/{kind}/f32")) is None:
            raise LookupError(f"what calls cost was not measured (dispatch/{kind}/f32)")
        return found

    def slope_s(kind: str, of_slope: Pick = pick) -> float:
        return max(of_slope(_slope(of(kind))), 0.0)

    call_s = pick(of("call"))
    handed_s = max(pick(of("handed")), call_s)
    return Dispatch(
        call_s=call_s,
        handed_s=handed_s,
        woken_s=max(pick(of("woken")), handed_s),
        queued_s=slope_s("chain"),
        argument_s=slope_s("arguments"),
        result_s=max(slope_s("results") - slope_s("arguments", usual), 0.0),
        kernel_s=slope_s("kernels"),
        looped_s=slope_s("looped"),
    )


def _slope(ladder: Timed) -> Timed:
    """What each of N adds, instead of what all together take. Lines through deciles may have
    slopes in any order."""
    names = ("slope_s", "slope_best_s", "slope_worst_s")
    told = [float(ladder.observations[name]) for name in names if name in ladder.observations]
    if len(told) < len(names):
        raise LookupError(f"how slopes of calls scatter was not measured ({ladder.case.id})")
    return replace(ladder, best_s=min(told), median_s=told[0], worst_s=max(told))


def _needed(sweeps: Mapping[str, Points], name: str) -> Curve:
    curve = _curve(sweeps.get(name, []))
    if curve is None:
        raise LookupError(f"no bandwidth was measured (memory/{name}/*)")
    return curve


def _curve(points: Points) -> Curve | None:
    if not points:
        return None
    sizes, rates = zip(*sorted(points), strict=True)
    return Curve(sizes=np.array(sizes), rates=np.array(rates))


def _products(points: Sequence[_Point]) -> Products:
    """Where a shape was chained that tells more of it than a call does, in which the way from the
    host may be longest."""
    chained = {each.shape for each in points if each.chained}
    kept = [each for each in points if each.chained or each.shape not in chained]
    return Products(
        shapes=np.array([each.shape for each in kept], dtype=np.float64),
        seconds=np.array([each.seconds for each in kept]),
        flops=np.array([each.flops for each in kept]),
    )


def _slowed(
    points: Sequence[tuple[_Point, float]], dtype: str, near: Products, reads: Curve
) -> Curve:
    """What a product takes longer than one of its shape with weights at hand, over a read of them,
    by rows: of many, a core reads ahead while it computes. `points`: each with the bytes of all its
    chain's weights."""
    by_rows: dict[float, float] = {}
    for each, all_bytes in points:
        _, rows, *sides = each.shape
        read_s = ITEMSIZE_BYTES[dtype] * sides[0] * sides[1] / reads(all_bytes)
        beyond_s = each.seconds - float(near([each.shape])[0])
        by_rows[rows] = max(beyond_s / read_s, 1.0)
    by_rows[FEW_ROWS] = 1.0
    sizes, times = zip(*sorted(by_rows.items()), strict=True)
    return Curve(sizes=np.array(sizes), rates=np.array(times))


def _way(points: Points) -> Way:
    """Through one size it is all rate; through more, latency and rate by least squares of relative
    errors, neither negative."""
    from scipy.optimize import nnls

    sizes, seconds = (np.array(each) for each in zip(*points, strict=True))
    if len(points) == 1:
        return Way(latency_s=0.0, bytes_per_s=float(sizes[0] / seconds[0]))
    columns = np.stack([np.ones(len(sizes)), sizes], axis=1) / seconds[:, None]
    scale = columns.max(axis=0)
    latency_s, a_byte_s = nnls(columns / scale, np.ones(len(sizes)))[0] / scale
    rate = float(1 / a_byte_s) if a_byte_s > 0 else None
    return Way(latency_s=float(latency_s), bytes_per_s=rate)


def _integer(case: Case, name: str, otherwise: int) -> int:
    return case.integer(name) if name in case.parameters else otherwise
