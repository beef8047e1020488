"""y = sigmoid(x W^T + b), one fully connected layer, and its gradients."""

from workloads.case import ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, STANDARD, Case, Cost
from workloads.catalog import activation, matmul


def forward_cost(*, batch: int, inputs: int, outputs: int, itemsize: int) -> Cost:
    """W (outputs, inputs): the product, one add and a sigmoid an output; b as traffic, too."""
    product = matmul.cost(m=batch, k=inputs, n=outputs, itemsize=itemsize)
    after = (1 + activation.FLOPS_PER_ELEMENT["sigmoid"]) * batch * outputs
    return Cost(flops=product.flops + after, bytes=product.bytes + itemsize * outputs)


def backward_cost(*, batch: int, inputs: int, outputs: int, itemsize: int) -> Cost:
    """The gradients of x, W and b from that of y, which is given: y is computed again.

    FLOP: the forward pass; dz = dy y (1 - y), three an output; dx = dz W and dW = dz^T x, a
    product's count each; db sums dz over the batch, one an output. Bytes: x, W, b and dy in,
    dx, dW and db out.
    """
    forward = forward_cost(batch=batch, inputs=inputs, outputs=outputs, itemsize=itemsize)
    products = 2 * 2.0 * batch * inputs * outputs
    leaves = batch * inputs + inputs * outputs + outputs
    return Cost(
        flops=forward.flops + products + (3 + 1) * batch * outputs,
        bytes=float(itemsize * (2 * leaves + batch * outputs)),
    )


TOLERANCES = {
    ("forward", "f32"): matmul.TOLERANCES["f32"],
    ("forward", "bf16"): matmul.TOLERANCES["bf16"],
    # 7e-6 on CPU; 0.015 with inputs cut to TF32 and a batch of one: the largest elements of an
    # outer product are 60 rms, and as much larger is their rounding. One in bf16 gives 0.06.
    ("backward", "f32"): 0.03,
    # For the same reason: 0.24, and 0.05 with a batch of 128. A missing factor gives 1 and more.
    ("backward", "bf16"): 0.5,
}

COSTS = {"forward": forward_cost, "backward": backward_cost}


def _case(phase: str, batch: int, dtype: str, suites: tuple[str, ...]) -> Case:
    """A layer of the width of a 7b model."""
    inputs = outputs = 4096
    elements = batch * inputs + inputs * outputs + batch * outputs
    return Case(
        id=f"dense/{batch}/{phase}/{dtype}",
        workload="dense",
        phase=phase,
        dtype=dtype,
        cost=COSTS[phase](
            batch=batch, inputs=inputs, outputs=outputs, itemsize=ITEMSIZE_BYTES[dtype]
        ),
        tolerance=TOLERANCES[phase, dtype],
        suites=suites,
        memory_bytes=PROCESS_BYTES + (24 if phase == "forward" else 48) * elements,
        parameters={"batch": batch, "inputs": inputs, "outputs": outputs},
    )


CASES = (
    *(_case("forward", batch, "f32", QUICK) for batch in (1, 128)),
    *(_case("forward", batch, "bf16", STANDARD) for batch in (1, 128)),
    *(_case("backward", batch, dtype, STANDARD) for batch in (1, 128) for dtype in ("f32", "bf16")),
)
