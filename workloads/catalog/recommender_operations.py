"""DLRM's phases as operations, in the order of `workloads.recommender`."""

from collections.abc import Iterator
from dataclasses import replace

from workloads.case import ITEMSIZE_BYTES
from workloads.catalog.operations import ADD, Operation, elementwise, gather, nothing_kept, product
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
        rows = gather(
            "rows",
            "embedding",
            self.batch,
            size.width,
            self.dtype,
            itemsize=self.itemsize,
            among=size.rows,
        )
        yield replace(rows, times=size.tables)
        yield self._pairs()
        yield from self._layers("top", size.top_shapes())

    def backward(self) -> Iterator[Operation]:
        """Twice the products, but one where the dense features are the input; twice the rest."""
        size = self.size
        yield self._each(ADD, "loss", self.batch, 3 * CROSS_ENTROPY_FLOPS)
        for part, shapes in (("top", size.top_shapes()), ("bottom", size.bottom_shapes())):
            for place, (inputs, outputs) in reversed(list(enumerate(shapes))):
                gradients = {"weight gradient": (1, inputs, self.batch, outputs)}
                if (part, place) != ("bottom", 0):
                    gradients["input gradient"] = (1, self.batch, outputs, inputs)
                for name, shape in gradients.items():
                    found = self._product(f"{part} {place} ({name})", part, shape)
                    if name == "weight gradient":
                        found = nothing_kept(found)
                    yield replace(found, stage="backward")
                flops = 4 if (part, place) != ("top", len(shapes) - 1) else 2
                yield replace(
                    self._each("relu", part, self.batch * outputs, flops), stage="backward"
                )
            if part == "top":
                yield replace(self._pairs(), times=2, stage="backward")
        rows = gather(
            "row gradients",
            "embedding",
            self.batch,
            size.width,
            "f32",
            itemsize=F32_BYTES,
            among=size.rows,
        )
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
            passed_bytes=2.0 * F32_BYTES * values,
            function=ADD,
            stage="optimiser",
        )

    def _layers(self, part: str, shapes: tuple[tuple[int, int], ...]) -> Iterator[Operation]:
        for place, (inputs, outputs) in enumerate(shapes):
            yield self._product(f"{part} {place}", part, (1, self.batch, inputs, outputs))
            logit = part == "top" and place == len(shapes) - 1
            yield self._each("relu", part, self.batch * outputs, 1 if logit else 2)

    def _pairs(self) -> Operation:
        """All products of each vector with each, of which those below the diagonal are needed."""
        vectors = self.size.tables + 1
        shape = (self.batch, vectors, self.size.width, vectors)
        masked = vectors**2 / self.size.pairs
        return product(
            "pairs", "interaction", shape, self.dtype,
            itemsize=self.itemsize, weights=False, masked=masked,
        )  # fmt: skip

    def _product(self, name: str, part: str, shape: tuple[int, int, int, int]) -> Operation:
        return product(name, part, shape, self.dtype, itemsize=self.itemsize)

    def _each(self, function: str, part: str, elements: int, flops: int) -> Operation:
        return elementwise(
            function, part, elements, self.dtype, itemsize=self.itemsize, flops=flops
        )
