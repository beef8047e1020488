"""Convolutions of residual networks, and both gradients: what they reach depends on their shape
more than that of any product of matrices."""

from workloads.case import CEILINGS, ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, Case, Cost
from workloads.catalog.vision_sizes import Convolution

TOLERANCES = {
    # As a product of matrices: see `workloads.catalog.matmul`.
    "f32": 5e-3,
    "bf16": 0.025,
}

PHASES = ("forward", "input-gradient", "weight-gradient")

TINY = Convolution(size=32, kernel=3, stride=1, inputs=16, outputs=16)
STEM = Convolution(size=224, kernel=7, stride=2, inputs=3, outputs=64)
WIDENING = Convolution(size=56, kernel=1, stride=1, inputs=64, outputs=256)
EARLY = Convolution(size=56, kernel=3, stride=1, inputs=64, outputs=64)
MIDDLE = Convolution(size=14, kernel=3, stride=1, inputs=256, outputs=256)
LATE = Convolution(size=7, kernel=3, stride=1, inputs=512, outputs=512)
"""Of ResNet-8 on 32x32 pixels, the first; the others of ResNet-50."""


def cost(shape: Convolution, *, batch: int, itemsize: int) -> Cost:
    """Two FLOP for each product that does not multiply with padding, and as many for either
    gradient. Input, kernel and output are each read or written once."""
    inputs = batch * shape.size**2 * shape.inputs
    traffic = inputs + shape.weights + batch * shape.elements
    return Cost(flops=2.0 * batch * shape.products, bytes=float(itemsize * traffic))


def _case(
    shape: Convolution,
    suites: tuple[str, ...],
    *,
    batch: int = 1,
    phase: str = "forward",
    dtype: str = "f32",
    platforms: tuple[str, ...] = (),
) -> Case:
    kernel = f"{shape.kernel}x{shape.kernel}s{shape.stride}"
    name = f"{batch}x{shape.size}x{shape.size}x{shape.inputs}-{kernel}-{shape.outputs}"
    elements = batch * (shape.size**2 * shape.inputs + shape.elements)
    return Case(
        id=f"convolution/{name}/{phase}/{dtype}",
        workload="convolution",
        phase=phase,
        dtype=dtype,
        cost=cost(shape, batch=batch, itemsize=ITEMSIZE_BYTES[dtype]),
        tolerance=TOLERANCES[dtype],
        suites=suites,
        # The reference takes each image's patches apart, in float64.
        memory_bytes=PROCESS_BYTES + 24 * (elements + shape.weights) + 16 * _patches(shape),
        platforms=platforms,
        parameters={
            "size": shape.size,
            "kernel": shape.kernel,
            "stride": shape.stride,
            "inputs": shape.inputs,
            "outputs": shape.outputs,
            "batch": batch,
        },
    )


def _patches(shape: Convolution) -> int:
    """Elements of all patches of one image."""
    return shape.outputs_size**2 * shape.kernel**2 * shape.inputs


_GPU = ("cuda", "rocm")

CASES = (
    _case(EARLY, (*QUICK, CEILINGS)),
    *(_case(shape, (CEILINGS,)) for shape in (STEM, WIDENING, MIDDLE, LATE)),
    *(_case(TINY, (CEILINGS,), batch=8, phase=phase) for phase in PHASES),
    *(
        _case(shape, (CEILINGS,), phase=phase)
        for shape in (WIDENING, EARLY, MIDDLE)
        for phase in PHASES[1:]
    ),
    *(_case(shape, (CEILINGS,), dtype="bf16") for shape in (WIDENING, EARLY, MIDDLE)),
    *(
        _case(shape, (CEILINGS,), batch=64, phase=phase, dtype=dtype, platforms=_GPU)
        for shape in (WIDENING, EARLY, MIDDLE)
        for phase in PHASES
        for dtype in ("f32", "bf16")
    ),
)
