"""The Transformer's phases as operations, in the order of `workloads.transformer.model`."""

from collections.abc import Iterator
from dataclasses import replace

from workloads.case import ITEMSIZE_BYTES
from workloads.catalog import activation
from workloads.catalog.operations import (
    ADD,
    Operation,
    Variant,
    backward,
    elementwise,
    gather,
    product,
    transpose,
)
from workloads.catalog.transformer_costs import (
    ADAMW_ARRAYS,
    ADAMW_FLOPS,
    CROSS_ENTROPY_FLOPS,
    CROSS_ENTROPY_GRADIENT_FLOPS,
    F32_BYTES,
)
from workloads.catalog.transformer_sizes import TransformerSize

TRAINING = ("backward", "train_step")

TOKENS_AXES = 2
"""Sequences, and places in them."""


def operations(
    size: TransformerSize, phase: str, dtype: str, *, batch: int, context: int
) -> tuple[Operation, ...]:
    """Of one call; their FLOP are the phase's cost."""
    found = _Model(size, phase, dtype, batch, context)
    forward = tuple(found.forward())
    if phase not in TRAINING:
        return forward
    loss = found.loss(CROSS_ENTROPY_FLOPS), found.loss(CROSS_ENTROPY_GRADIENT_FLOPS)
    back = tuple(backward(forward))
    update = (found.update(),) if phase == "train_step" else ()
    return (*forward, loss[0], loss[1], *back, *update)


class _Model:
    """`queries`: positions of a sequence that are computed; `keys`: that each may attend to."""

    def __init__(
        self, size: TransformerSize, phase: str, dtype: str, batch: int, context: int
    ) -> None:
        self.size, self.phase, self.dtype, self.batch = size, phase, dtype, batch
        self.queries = 1 if phase == "decode" else context
        self.keys = context
        self.tokens = batch * self.queries
        self.itemsize = ITEMSIZE_BYTES[dtype]

    def forward(self) -> Iterator[Operation]:
        size, tokens = self.size, self.tokens
        rows = tokens if self.phase == "decode" else min(tokens, size.vocab)
        yield gather(
            "lookup",
            "embedding",
            rows,
            size.d_model,
            self.dtype,
            itemsize=self.itemsize,
            among=size.vocab,
        )
        yield from self._attention()
        yield from self._feed_forward()
        last = self.batch if self.phase == "prefill" else tokens
        yield self._elementwise("rmsnorm", "norms", last * size.d_model, times=1)
        yield product(
            "unembedding",
            "unembedding",
            (1, last, size.d_model, size.vocab),
            self.dtype,
            itemsize=self.itemsize,
            output_itemsize=F32_BYTES,
            axes=TOKENS_AXES,
        )
        if self.phase == "validate":
            yield self.loss(CROSS_ENTROPY_FLOPS + 1)

    def _attention(self) -> Iterator[Operation]:
        size, tokens = self.size, self.tokens
        inner, shared = size.heads * size.head_dim, size.kv_heads * size.head_dim
        yield self._elementwise("rmsnorm", "norms", tokens * size.d_model)
        yield self._projection("query", size.d_model, inner)
        yield self._projection("key", size.d_model, shared, times=2 * size.layers)
        yield self._elementwise(ADD, "attention", tokens * (inner + shared), flops=3)
        if self.queries > 1:
            yield self._transpose("heads", 2 * tokens * (inner + shared))
        yield from self._mixing()
        yield self._projection("output", inner, size.d_model)
        yield self._elementwise(ADD, "norms", tokens * size.d_model, flops=1, arrays=3)

    def _mixing(self) -> Iterator[Operation]:
        """Scores, softmax and the mean of the values: of each query and all keys, though of a
        sequence that is read the mask leaves only those before it."""
        size = self.size
        masked = 2 * self.keys / (self.keys + 1) if self.queries > 1 else 1.0
        heads, rows = self.batch * size.heads, self.queries
        if self.phase == "decode":  # the queries of a group share its keys
            heads, rows = self.batch * size.kv_heads, size.heads // size.kv_heads
        # A cache holds keys as it does values: of those each query's product goes along the rows.
        along: Variant = "input-gradient" if self.phase == "decode" else "forward"
        mixed: tuple[tuple[str, int, int, Variant], ...] = (
            ("scores", size.head_dim, self.keys, along),
            ("values", self.keys, size.head_dim, "forward"),
        )
        for name, k, n, variant in mixed:
            yield product(
                name,
                "attention",
                (heads, rows, k, n),
                self.dtype,
                itemsize=self.itemsize,
                weights=self.phase == "decode",  # the cache
                masked=masked,
                times=size.layers,
                variant=variant,
            )
        yield self._elementwise(
            "softmax",
            "attention",
            heads * rows * self.keys,
            flops=1 + activation.FLOPS_PER_ELEMENT["softmax"],
            masked=masked,
        )
        if self.queries > 1:
            yield self._transpose("scores", 2 * heads * rows * self.keys)

    def _transpose(self, name: str, elements: int) -> Operation:
        """What XLA does around products of many heads (seen on CPU): queries, keys, values and
        their mean from tokens to heads and back, and scores before and behind the softmax."""
        return transpose(
            name,
            "attention",
            elements,
            self.dtype,
            itemsize=self.itemsize,
            times=self.size.layers,
        )

    def _feed_forward(self) -> Iterator[Operation]:
        size, tokens = self.size, self.tokens
        yield self._elementwise("rmsnorm", "norms", tokens * size.d_model)
        yield self._dense("gate", size.d_model, size.ffn, times=2 * size.layers)
        yield self._elementwise(
            "silu",
            "mlp",
            tokens * size.ffn,
            flops=activation.FLOPS_PER_ELEMENT["silu"] + 1,
            arrays=3,
        )
        yield self._dense("down", size.ffn, size.d_model)
        yield self._elementwise(ADD, "norms", tokens * size.d_model, flops=1, arrays=3)

    def loss(self, flops: int) -> Operation:
        """Cross entropy of f32 logits, or its gradient."""
        elements = self.tokens * self.size.vocab
        return elementwise("softmax", "loss", elements, "f32", itemsize=F32_BYTES, flops=flops)

    def update(self) -> Operation:
        """AdamW: gradients are read besides."""
        return Operation(
            name="adamw",
            part="optimiser",
            kind="elementwise",
            dtype="f32",
            shape=(self.size.parameters,),
            flops=float(ADAMW_FLOPS * self.size.parameters),
            kept_bytes=float(ADAMW_ARRAYS * F32_BYTES * self.size.parameters),
            access="update",
            passed_bytes=float(F32_BYTES * self.size.parameters),
            function=ADD,
            stage="optimiser",
        )

    def _projection(self, name: str, k: int, n: int, times: int | None = None) -> Operation:
        """Of a weight with an axis of heads, for which its gradient's tokens are made one axis."""
        return self._weighted(name, "projections", k, n, times)

    def _dense(self, name: str, k: int, n: int, times: int | None = None) -> Operation:
        return replace(self._weighted(name, "mlp", k, n, times), axes=TOKENS_AXES)

    def _weighted(self, name: str, part: str, k: int, n: int, times: int | None) -> Operation:
        return product(
            name,
            part,
            (1, self.tokens, k, n),
            self.dtype,
            itemsize=self.itemsize,
            times=self.size.layers if times is None else times,
        )

    def _elementwise(
        self,
        function: str,
        part: str,
        elements: int,
        *,
        flops: int | None = None,
        arrays: int = 2,
        masked: float = 1.0,
        times: int | None = None,
    ) -> Operation:
        return elementwise(
            function,
            part,
            elements,
            self.dtype,
            itemsize=self.itemsize,
            flops=flops,
            arrays=arrays,
            masked=masked,
            times=self.size.layers if times is None else times,
        )
