"""Products as a program asks for them: again and again within a call, so that no way from the host
lies between. What the ceilings know of computing comes from them, shape by shape.

A product's gradients, and the scores of a query and a cache's keys, find a factor the other way
round (see `workloads.catalog.operations.Variant`), for which libraries have other loops, or none.
"""

from collections.abc import Iterator
from dataclasses import replace

from workloads.case import CEILINGS, ITEMSIZE_BYTES, Case, Cost
from workloads.catalog.matmul import sized
from workloads.catalog.operations import Variant

Shape = tuple[int, int, int]

CHAIN_FLOPS, GPU_CHAIN_FLOPS = 1e9, 2e11
"""Of a call: 7 ms at 150 GFLOP/s, and 0.3 ms at 700 TFLOP/s."""

SLOW_FLOPS = 1e8
"""Of what runs at a tenth of that: few rows, and gradients that a plain loop adds up."""

MOST_PASSES = 1024

FEW_ROWS = 16
"""Of a product that is over before another thread has begun: up to so many rows there is a
normalisation between each two, as in a model, during which threads fall asleep that the next
product wakes."""

SUMS_TOLERANCE = 0.25
"""Of a gradient that XLA's CPU client adds up in bf16 itself: of 512 tokens an error of 0.16."""

_GPU = ("cuda", "rocm")

_ROWS = (1, 4, 16, 64, 256, 1024)
"""Of a product with a weight: sequences that are decoded at once, tokens that are read."""

_DTYPES = ("f32", "bf16")


def variant_of(case: Case) -> Variant:
    """Of a product."""
    found: Variant = case.parameters.get("variant", "forward")  # type: ignore[assignment]
    return found


def _chain(
    shape: Shape,
    dtype: str,
    flops: float,
    *,
    batch: int | None = None,
    variant: Variant = "forward",
    axes: int = 1,
    platforms: tuple[str, ...] = (),
) -> Case:
    """As many times within a call as come to `flops`. `shape`: m, k, n."""
    one = sized(*shape, dtype, (CEILINGS,), batch=batch, platforms=platforms)
    passes = max(2, min(MOST_PASSES, round(flops / one.cost.flops)))
    other = {} if variant == "forward" else {"variant": variant, "axes": axes}
    name = "".join(f"-{word}" for word in ("chained", *(other and (variant,))))
    name += f"-over-{axes}-axes" if axes > 1 else ""
    return replace(
        one,
        id=one.id.replace(f"/{dtype}", f"{name}/{dtype}"),
        cost=Cost(flops=passes * one.cost.flops, bytes=passes * one.cost.bytes),
        tolerance=SUMS_TOLERANCE if axes > 1 and dtype == "bf16" else one.tolerance,
        parameters={**one.parameters, "passes": passes, **other},
    )


def _apart(side: int, m: int, dtype: str, weights: int) -> Case:
    """As many products as weights, one with each: none of them can be made ready once for all."""
    one = _chain((m, side, side), dtype, 0.0)
    single = sized(m, side, side, dtype, (CEILINGS,))
    elements = weights * side * side
    return replace(
        one,
        id=one.id.replace("-chained", f"-chained-over-{weights}-weights"),
        cost=Cost(flops=weights * single.cost.flops, bytes=weights * single.cost.bytes),
        memory_bytes=single.memory_bytes + 2 * ITEMSIZE_BYTES[dtype] * elements,
        parameters={**single.parameters, "passes": weights, "weights": weights},
        platforms=("cpu",),
    )


def _weights() -> Iterator[Case]:
    """Of one MiB at most, which one core's second cache holds, so that computing alone is told. Few
    rows take a small one."""
    for side, some in ((256, _ROWS), (512, _ROWS[:3]), (1024, _ROWS[3:5])):
        for m in some:
            for dtype in _DTYPES:
                # On CPU a vector's product is in f32, and a chain's weights become so once for all.
                if m > 1 or dtype == "f32":
                    yield _chain((m, side, side), dtype, CHAIN_FLOPS)


def _weights_apart() -> Iterator[Case]:
    """Few rows with weights of 64 MiB together (32 in bf16), which no core's cache holds: what
    reads them goes less far ahead than what does nothing else."""
    for m in _ROWS[:3]:
        for dtype in _DTYPES:
            # A vector's weights become f32 ones, in memory of their own.
            if m > 1 or dtype == "f32":
                yield _apart(1024, m, dtype, 16)


def _batches() -> Iterator[Case]:
    for dtype in _DTYPES:
        for batch, shape in ((16, (128, 32, 128)), (16, (128, 128, 32)), (8, (256, 64, 256))):
            yield _chain(shape, dtype, CHAIN_FLOPS, batch=batch)


def _few_rows() -> Iterator[Case]:
    """A query's scores with the keys of a cache, and their mean of its values; pairs of vectors."""
    for dtype in _DTYPES:
        for batch, (m, k, n) in ((16, (4, 32, 256)), (8, (1, 64, 512)), (128, (8, 16, 8))):
            yield _chain((m, k, n), dtype, SLOW_FLOPS, batch=batch, variant="input-gradient")
            if n > k:
                yield _chain((m, n, k), dtype, SLOW_FLOPS, batch=batch)


def _gradients() -> Iterator[Case]:
    """Of weights (256, 512) and the like, by so many tokens."""
    for tokens, inputs, outputs in ((128, 128, 512), (512, 256, 256), (256, 512, 512)):
        by_input, by_weight = (tokens, outputs, inputs), (inputs, tokens, outputs)
        for dtype in _DTYPES:
            yield _chain(by_input, dtype, SLOW_FLOPS, variant="input-gradient")
            yield _chain(by_weight, dtype, SLOW_FLOPS, variant="weight-gradient")
        # In f32 two axes are made one (seen on CPU).
        yield _chain(by_weight, "bf16", SLOW_FLOPS, variant="weight-gradient", axes=2)


def _on_gpus() -> Iterator[Case]:
    """Whose cache holds larger weights; of the largest, many rows hide where they come from."""
    for side, some in ((2048, (1, 16, 64, 256, 1024, 4096)), (8192, (1024, 4096))):
        for m in some:
            for dtype in _DTYPES:
                yield _chain((m, side, side), dtype, GPU_CHAIN_FLOPS, platforms=_GPU)
    for shape in ((1024, 64, 1024), (1024, 1024, 64)):
        for dtype in _DTYPES:
            yield _chain(shape, dtype, GPU_CHAIN_FLOPS, batch=96, platforms=_GPU)


CASES = (*_weights(), *_weights_apart(), *_batches(), *_few_rows(), *_gradients(), *_on_gpus())
