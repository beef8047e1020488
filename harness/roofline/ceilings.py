"""What a machine and an image can do at most: each ceiling a rate or a duration that was measured
there. Nothing is taken from a data sheet. `harness.roofline.calibration` has them from the cases of
the suite `ceilings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from harness.roofline.rates import Curve, Products
from workloads.catalog import ITEMSIZE_BYTES, Case
from workloads.catalog.operations import ADD, COPY, Access, Operation, Variant


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A measured case: seconds of one call, as fast as it was at times (the first decile of all
    samples), usually (the median over launches of their medians), and at its slowest (the last
    decile). `kernels`: of its compiled program, where that was looked into."""

    case: Case
    best_s: float
    median_s: float
    worst_s: float
    kernels: int | None = None
    observations: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Seconds. `call_s`: of an empty call that is waited for; `handed_s`: of one that another
    thread takes over, which waits for nothing else; `woken_s`: of one by which that thread has
    fallen asleep; `queued_s`: of one among many. `argument_s`, `result_s`: that each array
    adds; `kernel_s`: that each kernel does; `looped_s`: that one does again and again."""

    call_s: float
    handed_s: float
    woken_s: float
    queued_s: float
    argument_s: float
    result_s: float
    kernel_s: float
    looped_s: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """From one place to another: seconds of a transfer of b bytes are latency_s + b / rate. Where
    nothing is moved, as from a CPU to itself, there is no rate."""

    latency_s: float
    bytes_per_s: float | None

    def seconds(self, bytes_: float) -> float:
        return self.latency_s + (bytes_ / self.bytes_per_s if self.bytes_per_s else 0.0)


MOST_GAINED = 0.9
"""Quantile over the measured shapes of products: what a shape gains by all cores that gains most.
Ceilings of all cores and of one are minutes apart, in which a machine drifts by up to a factor of
two; held against what the best shape gains by the same two, that is seen no more."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The ceilings of a machine and an image: as high as they are at times, as they usually are,
    and as low as they seldom are. `one_core`: as they usually are of one of several cores; None
    where that was not measured."""

    best: "Ceilings"
    usual: "Ceilings"
    worst: "Ceilings"
    one_core: "Ceilings | None" = None

    @cached_property
    def gained(self) -> Mapping[str, float]:
        """How many times faster all cores are than one, where they are most: of products, by
        dtype, where these were measured with both."""
        alone = {} if self.one_core is None else self.one_core.products
        both = [dtype for dtype in self.usual.products if dtype in alone]
        return {dtype: _most(alone[dtype], self.usual.products[dtype]) for dtype in both}


def _most(alone: Products, together: Products) -> float:
    shapes = together.shapes.tolist()
    return float(np.quantile(alone(shapes) / together(shapes), MOST_GAINED))


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """`products` by dtype, `gradients` of products by dtype, variant and axes, `convolutions` by
    dtype and variant. `functions`: seconds an element, by name and dtype. `fresh_s`: seconds a byte
    that memory costs which was not used before. `reads`, `writes`, `updates`: bytes/s by working
    set. `transposed`: elements/s by dtype and size. `picked`: elements/s of a gather, by the
    table's bytes. `chase_s`: of a load that waits for the one before. `ways`: by direction or
    collective. `stored`: by action. `slowed`: how many times longer than a read a product takes
    that gets its weights from beyond the cores' own caches, by dtype and rows.

    `moved`: seconds an element that is only moved, by dtype; `private_bytes`: of the caches that
    cores do not share; `queued`: whether calls queue.
    """

    dispatch: Dispatch
    products: Mapping[str, Products]
    gradients: Mapping[tuple[str, Variant, int], Products]
    convolutions: Mapping[tuple[str, Variant], Products]
    functions: Mapping[tuple[str, str], float]
    moved: Mapping[str, float]
    reads: Curve
    writes: Curve | None
    updates: Curve
    transposed: Mapping[str, Curve]
    picked: Curve | None
    chase_s: float | None
    fresh_s: float
    slowed: Mapping[str, Curve]
    ways: Mapping[str, Way]
    stored: Mapping[str, Way]
    private_bytes: float
    queued: bool

    def product_s(
        self,
        dtype: str,
        shapes: list[tuple[int, ...]],
        variant: Variant = "forward",
        axes: int = 1,
    ) -> list[float | None]:
        """Seconds of one product of each shape; None where the dtype was not measured. A gradient
        over several axes is taken for one over one, and that for a forward product, where it was
        not."""
        rates = self.products.get(dtype)
        for measured in ((dtype, variant, 1), (dtype, variant, axes)):
            rates = self.gradients.get(measured, rates)
        return [None] * len(shapes) if rates is None else list(map(float, rates(shapes)))

    def slowed_by(self, dtype: str, rows: int) -> float:
        """As `slowed`; 1 where that was not measured."""
        curve = self.slowed.get(dtype)
        return 1.0 if curve is None else curve(rows)

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


def as_product(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A convolution's (batch, size, kernel, stride, inputs, outputs) as the product of its patches
    with its kernel (im2col)."""
    batch, size, kernel, stride, inputs, outputs = shape
    rows = (size - 1) // stride + 1
    return (1, batch * rows * rows, kernel * kernel * inputs, outputs)


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
