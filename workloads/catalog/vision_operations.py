"""The image classifiers' phases as operations, in the order of `workloads.vision`."""

from collections.abc import Iterator

from workloads.case import ITEMSIZE_BYTES
from workloads.catalog import activation
from workloads.catalog.operations import ADD, Operation, backward, elementwise, product
from workloads.catalog.vision import (
    CROSS_ENTROPY_FLOPS,
    F32_BYTES,
    MOMENTS,
    OPTIMISER_FLOPS,
)
from workloads.catalog.vision_sizes import Convolution, ResNetSize, VitSize, taps


def operations(
    size: ResNetSize | VitSize, phase: str, dtype: str, *, batch: int
) -> tuple[Operation, ...]:
    """Of one call; their FLOP are the phase's cost."""
    model = _Model(dtype, batch)
    forward = tuple(model.resnet(size) if isinstance(size, ResNetSize) else model.vit(size))
    if phase == "forward":
        return forward
    loss = model.each("softmax", "loss", size.classes, 3 * CROSS_ENTROPY_FLOPS)
    return (*forward, loss, *backward(forward, of_input=False), _update(size))


def _update(size: ResNetSize | VitSize) -> Operation:
    """Weights and moments read and written; the gradient is read besides."""
    kind, count = type(size), size.parameters
    return Operation(
        name="update",
        part="optimiser",
        kind="elementwise",
        dtype="f32",
        shape=(count,),
        flops=float(OPTIMISER_FLOPS[kind] * count),
        kept_bytes=2.0 * F32_BYTES * (1 + MOMENTS[kind]) * count,
        access="update",
        passed_bytes=float(F32_BYTES * count),
        function=ADD,
        stage="optimiser",
    )


class _Model:
    def __init__(self, dtype: str, batch: int) -> None:
        self.dtype, self.batch, self.itemsize = dtype, batch, ITEMSIZE_BYTES[dtype]

    def vit(self, size: VitSize) -> Iterator[Operation]:
        d, tokens = size.d_model, size.tokens
        yield self._matrix("patches", "embedding", size.patches, size.patch_values, d)
        yield self.each(ADD, "embedding", (size.patches + tokens) * d, 1)
        for _ in range(size.layers):
            yield from self._attention(size)
            yield from self._feed_forward(size)
        yield self.each("layernorm", "norms", d)
        yield self._matrix("classifier", "classifier", 1, d, size.classes)
        yield self.each(ADD, "classifier", size.classes, 1)

    def _attention(self, size: VitSize) -> Iterator[Operation]:
        d, tokens, heads = size.d_model, size.tokens, self.batch * size.heads
        yield self.each("layernorm", "norms", tokens * d)
        for name in ("query", "key", "value"):
            yield self._matrix(name, "projections", tokens, d, d)
        yield self.each(ADD, "projections", 3 * tokens * d, 1)
        yield self._mixing("scores", (heads, tokens, size.head_dim, tokens))
        softmax = 1 + activation.FLOPS_PER_ELEMENT["softmax"]
        yield self.each("softmax", "attention", size.heads * tokens**2, softmax)
        yield self._mixing("values", (heads, tokens, tokens, size.head_dim))
        yield self._matrix("output", "projections", tokens, d, d)
        yield self.each(ADD, "norms", tokens * d, 2)  # bias and residual

    def _feed_forward(self, size: VitSize) -> Iterator[Operation]:
        d, tokens = size.d_model, size.tokens
        yield self.each("layernorm", "norms", tokens * d)
        yield self._matrix("up", "mlp", tokens, d, size.ffn)
        gelu = 1 + activation.FLOPS_PER_ELEMENT["gelu"]  # and the bias
        yield self.each("gelu", "mlp", tokens * size.ffn, gelu)
        yield self._matrix("down", "mlp", tokens, size.ffn, d)
        yield self.each(ADD, "norms", tokens * d, 2)

    def resnet(self, size: ResNetSize) -> Iterator[Operation]:
        yield from self._unit(size.stem_convolution, relu=True)
        if size.pools:
            stem = size.stem_convolution
            pooled = taps(stem.outputs_size, 3, 2) ** 2 * stem.outputs
            yield self.each("relu", "pool", pooled, 1)
        for inner, shortcut in size.layout():
            for place, convolution in enumerate(inner):
                yield from self._unit(convolution, relu=place < len(inner) - 1)
            if shortcut:
                yield from self._unit(shortcut, relu=False)
            yield self.each("relu", "residual", inner[-1].elements, 2)
        last = list(size.layout())[-1][0][-1]
        yield self.each(ADD, "pool", last.elements, 1)
        yield self._matrix("classifier", "classifier", 1, size.features, size.classes)
        yield self.each(ADD, "classifier", size.classes, 1)

    def _unit(self, shape: Convolution, *, relu: bool) -> Iterator[Operation]:
        """A convolution and its norm."""
        inputs = self.batch * shape.size**2 * shape.inputs
        yield Operation(
            name=f"{shape.kernel}x{shape.kernel}",
            part="convolutions",
            kind="convolution",
            dtype=self.dtype,
            shape=(
                self.batch, shape.size, shape.kernel, shape.stride, shape.inputs, shape.outputs,
            ),
            flops=2.0 * self.batch * shape.products,
            kept_bytes=float(self.itemsize * shape.weights),
            passed_bytes=float(self.itemsize * (inputs + self.batch * shape.elements)),
        )  # fmt: skip
        norm = activation.FLOPS_PER_ELEMENT["layernorm"]
        yield self.each("layernorm", "norms", shape.elements, norm + relu)

    def _matrix(self, name: str, part: str, rows: int, k: int, n: int) -> Operation:
        """`rows` of an image: of several, images and rows are two axes."""
        shape, axes = (1, self.batch * rows, k, n), 1 if rows == 1 else 2
        return product(name, part, shape, self.dtype, itemsize=self.itemsize, axes=axes)

    def _mixing(self, name: str, shape: tuple[int, int, int, int]) -> Operation:
        return product(name, "attention", shape, self.dtype, itemsize=self.itemsize, weights=False)

    def each(self, function: str, part: str, elements: int, flops: int | None = None) -> Operation:
        """Of `elements` of one image."""
        return elementwise(
            function, part, self.batch * elements, self.dtype, itemsize=self.itemsize, flops=flops
        )
