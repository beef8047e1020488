"""What a machine and an image can do at most, from the cases of the suite `ceilings`.

Each ceiling is a rate or a duration that was measured here. Nothing is taken from a data sheet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import nnls

from harness.roofline.rates import Curve, Products
from workloads.catalog import ITEMSIZE_BYTES, Case
from workloads.catalog.operations import ADD, COPY, Access, Operation, Variant

LEAST_SHARE = 0.2
"""Of a call's time that stays when the way to the device and back is taken off."""

FEW_ROWS = 64
"""A product of fewer rows that is asked for by the host reads its weights from wherever they lie:
that is bandwidth, and no ceiling of computing."""

Pick = Callable[["Timed"], float]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A measured case: seconds of one call, as fast as it was at times (the first decile of all
    samples), usually (the median over launches of their medians), and at its slowest (the last
    decile)."""

    case: Case
    best_s: float
    median_s: float
    worst_s: float
    observations: Mapping[str, int | float | str] = field(default_factory=dict)


def best(timed: Timed) -> float:
    """The time that no other is far below."""
    return timed.best_s


def usual(timed: Timed) -> float:
    """The median."""
    return timed.median_s


def worst(timed: Timed) -> float:
    """The time that it seldom takes longer than."""
    return timed.worst_s


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Seconds. `call_s`: of an empty call that is waited for; `handed_s`: of one that another
    thread takes over; `queued_s`: of one among many. `argument_s`, `result_s`: that each array
    adds; `kernel_s`: that each kernel does."""

    call_s: float
    handed_s: float
    queued_s: float
    argument_s: float
    result_s: float
    kernel_s: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """From one place to another: seconds of a transfer of b bytes are latency_s + b / rate. Where
    nothing is moved, as from a CPU to itself, there is no rate."""

    latency_s: float
    bytes_per_s: float | None

    def seconds(self, bytes_: float) -> float:
        return self.latency_s + (bytes_ / self.bytes_per_s if self.bytes_per_s else 0.0)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The ceilings of a machine and an image: as high as they are at times, as they usually are,
    and as low as they seldom are."""

    best: "Ceilings"
    usual: "Ceilings"
    worst: "Ceilings"


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """`products` by dtype, `convolutions` by dtype and variant. `functions`: seconds an element, by
    name and dtype. `reads`, `writes`, `updates`: bytes/s by working set. `transposed`: elements/s
    by dtype and size. `picked`: elements/s of a gather, by the table's bytes. `chase_s`: of a load
    that waits for the one before. `ways`: by direction or collective. `stored`: by action.

    `moved`: seconds an element that is only moved, by dtype; `private_bytes`: of the caches that
    cores do not share; `queued`: whether calls queue.
    """

    dispatch: Dispatch
    products: Mapping[str, Products]
    convolutions: Mapping[tuple[str, Variant], Products]
    functions: Mapping[tuple[str, str], float]
    moved: Mapping[str, float]
    reads: Curve
    writes: Curve | None
    updates: Curve
    transposed: Mapping[str, Curve]
    picked: Curve | None
    chase_s: float | None
    ways: Mapping[str, Way]
    stored: Mapping[str, Way]
    private_bytes: float
    queued: bool

    def product_s(self, dtype: str, shapes: list[tuple[int, ...]]) -> list[float | None]:
        """Seconds of one product of each shape; None where the dtype was not measured."""
        rates = self.products.get(dtype)
        return [None] * len(shapes) if rates is None else list(map(float, rates(shapes)))

    def convolution_s(self, operation: Operation) -> float | None:
        """Of one; a gradient that was not measured is taken for a forward pass, which has as many
        FLOP."""
        for variant in (operation.variant, "forward"):
            rates = self.convolutions.get((operation.dtype, variant))
            if rates is not None:
                return float(rates([as_product(operation.shape)])[0])
        return None

    def whole_s(self, operation: Operation) -> float | None:
        """Of what is known by its FLOP alone, at the most that any product reaches."""
        rates = self.products.get(operation.dtype)
        if rates is None:
            return None if operation.flops else 0.0
        return operation.flops / rates.peak_flops_per_s

    def function_s(self, function: str, dtype: str) -> float | None:
        """Seconds an element that `function` takes beyond those of moving it; None where that was
        not measured."""
        if function in (ADD, COPY, MOVES):
            return 0.0
        own = self.functions.get((function, dtype))
        moved = self.moved.get(dtype)
        return None if own is None or moved is None else max(own - moved, 0.0)

    def transposed_s(self, bytes_: float, dtype: str) -> float:
        """Of that many bytes, read and written; elements count, whatever their size. A program
        transposes arrays of many sizes: the rate is that of all sizes together."""
        curve = self.transposed.get(dtype) or next(iter(self.transposed.values()), None)
        if curve is None or not bytes_:
            return bytes_ / self.updates(bytes_)
        elements = bytes_ / 2 / ITEMSIZE_BYTES.get(dtype, 4)
        return elements / float(np.exp(np.log(curve.rates).mean()))

    def access(self, how: Access) -> Curve:
        """The bandwidth of an operation that reads, writes or does both."""
        if how == "read":
            return self.reads
        return self.writes if how == "write" and self.writes else self.updates


MOVES = "relu"
"""The function that does next to nothing with what it moves."""


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
    found = _Found(pick, handed_s=0.0 if queued else _dispatch(known, usual).handed_s)
    for each in known:
        found.take(each)
    return Ceilings(
        dispatch=_dispatch(known, pick),
        products={dtype: _products(points) for dtype, points in found.products.items()},
        convolutions={key: _products(points) for key, points in found.convolutions.items()},
        functions=found.functions,
        moved=found.moved,
        reads=_needed(found.sweeps, "read"),
        writes=_curve(found.sweeps["write"]),
        updates=_needed(found.sweeps, "update"),
        transposed={
            dtype: curve
            for dtype, points in found.transposed.items()
            if (curve := _curve(points)) is not None
        },
        picked=_curve(found.picked),
        chase_s=found.chase_s,
        ways={name: _way(points) for name, points in found.ways.items()},
        stored={name: _way(points) for name, points in found.stored.items()},
        private_bytes=private_bytes,
        queued=queued,
    )


def as_product(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A convolution's (batch, size, kernel, stride, inputs, outputs) as the product of its patches
    with its kernel (im2col)."""
    batch, size, kernel, stride, inputs, outputs = shape
    rows = (size - 1) // stride + 1
    return (1, batch * rows * rows, kernel * kernel * inputs, outputs)


Points = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class _Point:
    """A product that was timed; `flops`: that are needed; `chained`: within a program."""

    shape: tuple[int, ...]
    seconds: float
    flops: float
    chained: bool


class _Found:
    """What the cases say, one after the other. What is taken off, a call's own cost and what an
    element costs that is only moved, is as it usually is: the best of one time less the best of
    another may be better than both."""

    def __init__(self, pick: Pick, *, handed_s: float) -> None:
        self.pick, self.handed_s = pick, handed_s
        self.products: dict[str, list[_Point]] = defaultdict(list)
        self.convolutions: dict[tuple[str, Variant], list[_Point]] = defaultdict(list)
        self.functions: dict[tuple[str, str], float] = {}
        self.moved: dict[str, float] = {}
        self.sweeps: dict[str, Points] = defaultdict(list)
        self.transposed: dict[str, Points] = defaultdict(list)
        self.picked: Points = []
        self.chase_s: float | None = None
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
        if chained or shape[0] * shape[1] >= FEW_ROWS:
            once_s = self._seconds(timed) / passes
            self.products[case.dtype].append(
                _Point(shape=shape, seconds=once_s, flops=case.cost.flops / passes, chained=chained)
            )

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

    def _link(self, case: Case, timed: Timed) -> None:
        self.ways[case.phase].append((case.cost.link_bytes, self.pick(timed)))

    def _collective(self, case: Case, timed: Timed) -> None:
        self.ways[collective_of(case)].append((case.cost.link_bytes, self.pick(timed)))

    def _storage(self, case: Case, timed: Timed) -> None:
        self.stored[action_of(case)].append((case.cost.storage_bytes, self.pick(timed)))


def collective_of(case: Case) -> str:
    """What a case asks of the links between so many devices; a step of training reduces its
    gradients."""
    name = str(case.parameters["collective"])
    return f"{'all-reduce' if name == 'data-parallel' else name} over {case.devices} devices"


def action_of(case: Case) -> str:
    """What a storage case asks of storage: `read sequential cold`, `write`, `flush each`."""
    parameters = case.parameters
    if parameters["kind"] == "read":
        return f"read {parameters['order']} {parameters['cache']}"
    if parameters["kind"] == "write":
        return "flush each" if parameters["batch"] == 1 else "write"
    return "write" if case.phase == "save" else f"read sequential {parameters['cache']}"


def _dispatch(timed: Iterable[Timed], pick: Pick) -> Dispatch:
    known = {each.case.id: each for each in timed if each.case.workload == "dispatch"}

    def of(kind: str) -> Timed:
        if (found := known.get(f"dispatch/{kind}/f32")) is None:
            raise LookupError(f"what calls cost was not measured (dispatch/{kind}/f32)")
        return found

    def slope_s(kind: str, of_slope: Pick = pick) -> float:
        return max(of_slope(_slope(of(kind))), 0.0)

    call_s = pick(of("call"))
    return Dispatch(
        call_s=call_s,
        handed_s=max(pick(of("handed")), call_s),
        queued_s=slope_s("chain"),
        argument_s=slope_s("arguments"),
        result_s=max(slope_s("results") - slope_s("arguments", usual), 0.0),
        kernel_s=slope_s("kernels"),
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


def _way(points: Points) -> Way:
    """Through one size it is all rate; through more, latency and rate by least squares of relative
    errors, neither negative."""
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
