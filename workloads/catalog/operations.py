"""What a call is made of: operations, each with a shape, its FLOP and what it moves.

The costs of cases say what the mathematics needs. Operations say how it is commonly done, so that
each can be held against what a machine reaches at just that shape; their FLOP add up to the case's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from workloads.case import ITEMSIZE_BYTES
from workloads.catalog import activation

Kind = Literal["product", "convolution", "elementwise", "gather", "chase", "transpose", "whole"]
"""`whole`: a call of which no more is known than its cost."""

Stage = Literal["forward", "backward", "optimiser"]

Variant = Literal["forward", "input-gradient", "weight-gradient"]
"""Of a convolution, whose gradients are other loops, and of a product, whose gradients find one of
their factors the other way round: (m, k) by (n, k) transposed of an input's, (k, m) transposed by
(k, n) of a weight's."""

Access = Literal["read", "write", "update"]
"""`update`: read and written, be it in place or beside."""

ADD, COPY = "add", "copy"
"""Functions beside those of `workloads.catalog.activation`: a FLOP an element, and none."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`times` the same, one after the other.

    `part`: of the model, such as `attention`. `shape`: of a product (batch, m, k, n), of anything
    else what has as many numbers as it has dimensions. `function`: of an elementwise one.
    `axes`: over which a weight's gradient adds up: an array of sequences of tokens has two.
    `flops`: needed by one. `masked`: how many times more are computed, where a mask is applied to
    what was computed all the same. `kept_bytes`: of one, of what lies in memory from call to call
    (weights, caches, inputs), `access` to that, and `beside_bytes` of it, written elsewhere than
    what is read: most processors read what they are about to write over. `passed_bytes`: what goes
    from one operation to the next.
    `table_bytes`: of what a gather picks from.
    """

    name: str
    part: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    flops: float
    kept_bytes: float = 0.0
    access: Access = "read"
    beside_bytes: float = 0.0
    passed_bytes: float = 0.0
    table_bytes: float = 0.0
    function: str | None = None
    masked: float = 1.0
    times: int = 1
    stage: Stage = "forward"
    variant: Variant = "forward"
    axes: int = 1

    @property
    def all_flops(self) -> float:
        """Of all times."""
        return self.flops * self.times

    @property
    def all_bytes(self) -> float:
        """Of all times, wherever they lie."""
        return (self.kept_bytes + self.passed_bytes) * self.times


def product(
    name: str,
    part: str,
    shape: tuple[int, int, int, int],
    dtype: str,
    *,
    itemsize: int,
    weights: bool = True,
    output_itemsize: int | None = None,
    masked: float = 1.0,
    times: int = 1,
    variant: Variant = "forward",
    axes: int = 1,
) -> Operation:
    """batch times (m, k) (k, n). `weights`: the second factor lies in memory from call to call.

    `masked`: of the FLOP only one in so many is needed. `axes`: of the first factor, but for its
    last one, where it is no matrix.
    """
    batch, m, k, n = shape
    second = itemsize * batch * k * n
    first = itemsize * batch * m * k + (output_itemsize or itemsize) * batch * m * n
    return Operation(
        name=name,
        part=part,
        kind="product",
        dtype=dtype,
        shape=shape,
        flops=2.0 * batch * m * k * n / masked,
        kept_bytes=float(second if weights else 0),
        passed_bytes=float(first if weights else first + second),
        masked=masked,
        times=times,
        variant=variant,
        axes=axes,
    )


def elementwise(
    function: str,
    part: str,
    elements: int,
    dtype: str,
    *,
    itemsize: int,
    flops: int | None = None,
    arrays: int = 2,
    masked: float = 1.0,
    times: int = 1,
) -> Operation:
    """`function` of each of `elements`; `flops` each, the function's own where None. `arrays` of
    that size are read or written."""
    each = activation.FLOPS_PER_ELEMENT[function] if flops is None else flops
    return Operation(
        name=function,
        part=part,
        kind="elementwise",
        dtype=dtype,
        shape=(elements,),
        flops=each * elements / masked,
        passed_bytes=float(arrays * itemsize * elements),
        function=function,
        masked=masked,
        times=times,
    )


def transpose(
    name: str, part: str, elements: int, dtype: str, *, itemsize: int, times: int = 1
) -> Operation:
    """So many elements written in another order than they are read."""
    return Operation(
        name=name,
        part=part,
        kind="transpose",
        dtype=dtype,
        shape=(elements,),
        flops=0.0,
        passed_bytes=2.0 * itemsize * elements,
        times=times,
    )


def gather(
    name: str, part: str, rows: int, width: int, dtype: str, *, itemsize: int, among: int
) -> Operation:
    """`rows` of a table of so many (`among`), each of `width` values, written in a row."""
    size_bytes = float(itemsize * rows * width)
    return Operation(
        name=name,
        part=part,
        kind="gather",
        dtype=dtype,
        shape=(rows, width),
        flops=0.0,
        kept_bytes=size_bytes,
        passed_bytes=size_bytes,
        table_bytes=float(itemsize * among * width),
    )


def backward(forward: Iterable[Operation], *, of_input: bool = True) -> Iterator[Operation]:
    """What the gradients of `forward` take: those of products and convolutions, and of everything
    else twice the same. A gather's is an addition to a table, which is cleared before. `of_input`:
    whether the first product's input has one, too."""
    first = True
    for each in forward:
        if each.kind in ("product", "convolution"):
            yield from gradients(each, of_input=of_input or not first)
            first = False
        else:
            yield replace(each, times=2 * each.times, stage="backward")
            if each.kind == "gather":
                yield _cleared(each)


def _cleared(lookup: Operation) -> Operation:
    """An array of the table's size, in f32 as gradients are."""
    values = lookup.table_bytes * lookup.shape[0] * lookup.shape[1] / lookup.kept_bytes
    return Operation(
        name=f"{lookup.name} (cleared gradient)",
        part=lookup.part,
        kind="elementwise",
        dtype="f32",
        shape=(int(values),),
        flops=0.0,
        kept_bytes=4.0 * values,
        access="write",
        function=COPY,
        stage="backward",
    )


def gradients(forward: Operation, *, of_input: bool = True) -> Iterator[Operation]:
    """One by the weight, and one by the input where that has any: each of the forward pass's size.
    What the weight's reads was made in the same call, and not kept."""
    by_weight = _gradient(forward, "weight-gradient")
    passed = forward.kept_bytes + forward.passed_bytes
    yield from _turned(forward, "outputs")
    yield replace(by_weight, kept_bytes=0.0, passed_bytes=passed)
    if of_input:
        yield from _turned(forward, "weights")
        yield _gradient(forward, "input-gradient")


def _turned(forward: Operation, what: Literal["outputs", "weights"]) -> Iterator[Operation]:
    """What XLA puts into another order for a gradient of a product with a weight (seen on CPU)."""
    if forward.kind != "product" or forward.shape[0] > 1:
        return
    _, m, k, n = forward.shape
    elements = m * n if what == "outputs" else k * n
    itemsize = ITEMSIZE_BYTES[forward.dtype]
    found = transpose(
        f"{forward.name} ({what})", forward.part, elements, forward.dtype, itemsize=itemsize
    )
    yield replace(found, times=forward.times, stage="backward")


def _gradient(forward: Operation, variant: Variant) -> Operation:
    """Of a product another product, of a convolution another loop over the same shape. What a batch
    of products needs the other way round is transposed beforehand (seen on CPU), which counts on
    its own."""
    name = f"{forward.name} ({variant.replace('-', ' ')})"
    found = replace(forward, name=name, variant=variant, stage="backward")
    if forward.kind == "convolution":
        return found
    batch, m, k, n = forward.shape
    shape = (batch, k, m, n) if variant == "weight-gradient" else (batch, m, n, k)
    return replace(found, shape=shape, variant=variant if batch == 1 else "forward")
