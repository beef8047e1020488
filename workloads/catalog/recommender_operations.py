"""DLRM's phases as operations, in the order of `workloads.recommender`."""

from collections.abc import Iterator
from dataclasses import replace

from workloads.case import ITEMSIZE_BYTES
from workloads.catalog.operations import ADD, Operation, elementwise, gather, gradients, product
from workloads.catalog.recommender import CROSS_ENTROPY_FLOPS, F32_BYTES, DlrmSize


def operations(size: DlrmSize, phase: str, dtype: str, *, batch: int) -> tuple[Operation, ...]:
    """Of one call; their FLOP are the phase's cost, but for a table's gradient.

    That is an array of the table's size in plain JAX: cleared, added to, and subtracted.
    """
    found = _Model(size, dtype, batch)
    forward = tuple(found.forward())
    if phase == "forward":
        return forward
    return (*forward, *found.backward(), *found.update())


class _Model:
    def __init__(self, size: DlrmSize, dtype: str, batch: int) -> None:
        self.size, self.dtype, self.batch = size, dtype, batch
        self.itemsize = ITEMSIZE_BYTES[dtype]

    def forward(self) -> Iterator[Operation]:
        size = self.size
        yield from self._layers("bottom", size.bottom_shapes())
        rows = self._rows("rows", self.dtype)
        yield replace(rows, times=size.tables)
        yield self._pairs()
        yield from self._layers("top", size.top_shapes())

    def backward(self) -> Iterator[Operation]:
        """Twice the products, but one where the dense features are the input; twice the rest."""
        size = self.size
        yield self._each(ADD, "loss", self.batch, 3 * CROSS_ENTROPY_FLOPS)
        for part, shapes in (("top", size.top_shapes()), ("bottom", size.bottom_shapes())):
            for place, (inputs, outputs) in reversed(list(enumerate(shapes))):
                layer = self._layer(part, place, inputs, outputs)
                yield from gradients(layer, of_input=(part, place) != ("bottom", 0))
                flops = 4 if (part, place) != ("top", len(shapes) - 1) else 2
                yield replace(
                    self._each("relu", part, self.batch * outputs, flops), stage="backward"
                )
            if part == "top":
                yield replace(self._pairs(), times=2, stage="backward")
        rows = self._rows("row gradients", "f32")
        yield replace(
            rows,
            flops=float(self.batch * size.width),
            times=size.tables,
            stage="backward",
        )

    def update(self) -> Iterator[Operation]:
        """SGD: 2 FLOP a weight that has a gradient. The tables' are as large as the tables."""
        size = self.size
        touched = size.tables * min(self.batch, size.rows) * size.width
        yield self._sgd("mlps", size.mlp_parameters, size.mlp_parameters)
        yield self._sgd("tables", touched, size.table_values)

    def _sgd(self, name: str, needed: int, values: int) -> Operation:
        """Weights read and written, and the gradient cleared, written and read."""
        return Operation(
            name=f"sgd of {name}",
            part="optimiser",
            kind="elementwise",
            dtype="f32",
            shape=(values,),
            flops=2.0 * needed,
            kept_bytes=2.0 * F32_BYTES * values,
            access="update",
            passed_bytes=2.0 * F32_BYTES * values,
            function=ADD,
            stage="optimiser",
        )

    def _layers(self, part: str, shapes: tuple[tuple[int, int], ...]) -> Iterator[Operation]:
        for place, (inputs, outputs) in enumerate(shapes):
            yield self._layer(part, place, inputs, outputs)
            logit = part == "top" and place == len(shapes) - 1
            yield self._each("relu", part, self.batch * outputs, 1 if logit else 2)

    def _rows(self, name: str, dtype: str) -> Operation:
        """One of each table a sample."""
        size, itemsize = self.size, ITEMSIZE_BYTES[dtype]
        return gather(
            name, "embedding", self.batch, size.width, dtype, itemsize=itemsize, among=size.rows
        )

    def _pairs(self) -> Operation:
        """All products of each vector with each, which go along the rows of either, of which those
        below the diagonal are needed."""
        vectors = self.size.tables + 1
        shape = (self.batch, vectors, self.size.width, vectors)
        masked = vectors**2 / self.size.pairs
        return product(
            "pairs", "interaction", shape, self.dtype,
            itemsize=self.itemsize, weights=False, masked=masked, variant="input-gradient",
        )  # fmt: skip

    def _layer(self, part: str, place: int, inputs: int, outputs: int) -> Operation:
        shape = (1, self.batch, inputs, outputs)
        return product(f"{part} {place}", part, shape, self.dtype, itemsize=self.itemsize)

    def _each(self, function: str, part: str, elements: int, flops: int) -> Operation:
        return elementwise(
            function, part, elements, self.dtype, itemsize=self.itemsize, flops=flops
        )
