"""What a call is made of: operations, each with a shape, its FLOP and what it moves.

The costs of cases say what the mathematics needs. Operations say how it is commonly done, so that
each can be held against what a machine reaches at just that shape; their FLOP add up to the case's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from workloads.catalog import activation

Kind = Literal["product", "convolution", "elementwise", "gather", "chase", "transpose", "whole"]
"""`whole`: a call of which no more is known than its cost."""

Stage = Literal["forward", "backward", "optimiser"]

Variant = Literal["forward", "input-gradient", "weight-gradient"]
"""Of a convolution, whose gradients are other loops; those of a product are products."""

ADD, COPY = "add", "copy"
"""Functions beside those of `workloads.catalog.activation`: a FLOP an element, and none."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`times` the same, one after the other.

    `part`: of the model, such as `attention`. `shape`: of a product (batch, m, k, n), of anything
    else what has as many numbers as it has dimensions. `function`: of an elementwise one.
    `flops`: needed by one. `masked`: how many times more are computed, where a mask is applied to
    what was computed all the same. `kept_bytes`: of one, of what lies in memory from call to call
    (weights, caches, inputs). `passed_bytes`: what goes from one operation to the next.
    `table_bytes`: of what a gather picks from.
    """

    name: str
    part: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    flops: float
    kept_bytes: float = 0.0
    passed_bytes: float = 0.0
    table_bytes: float = 0.0
    function: str | None = None
    masked: float = 1.0
    times: int = 1
    stage: Stage = "forward"
    variant: Variant = "forward"

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
) -> Operation:
    """batch times (m, k) (k, n). `weights`: the second factor lies in memory from call to call.

    `masked`: of the FLOP only one in so many is needed.
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


def nothing_kept(operation: Operation) -> Operation:
    """The same where all that it reads was made in this call: a weight's gradient."""
    passed = operation.kept_bytes + operation.passed_bytes
    return replace(operation, kept_bytes=0.0, passed_bytes=passed)


def backward(forward: Iterable[Operation]) -> Iterator[Operation]:
    """What the gradients of `forward` take: of a product two, each of its size (one for either
    factor), of everything elementwise twice the same. A gather's is an addition to a table."""
    for each in forward:
        if each.kind == "product":
            batch, m, k, n = each.shape
            for name, shape in (("input", (batch, m, n, k)), ("weight", (batch, k, m, n))):
                found = replace(
                    each, name=f"{each.name} ({name} gradient)", shape=shape, stage="backward"
                )
                yield found if name == "input" else nothing_kept(found)
        else:
            yield replace(each, times=2 * each.times, stage="backward")
