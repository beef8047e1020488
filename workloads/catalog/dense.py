"""y = sigmoid(x W^T + b): one fully connected layer."""

from workloads.case import ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, Case, Cost
from workloads.catalog import activation, matmul


def cost(*, batch: int, inputs: int, outputs: int, itemsize: int) -> Cost:
    """W (outputs, inputs): the product, one add and a sigmoid an output; b as traffic, too."""
    product = matmul.cost(m=batch, k=inputs, n=outputs, itemsize=itemsize)
    after = (1 + activation.FLOPS_PER_ELEMENT["sigmoid"]) * batch * outputs
    return Cost(flops=product.flops + after, bytes=product.bytes + itemsize * outputs)


def _case(batch: int, inputs: int, outputs: int, dtype: str) -> Case:
    elements = batch * inputs + inputs * outputs + batch * outputs
    return Case(
        id=f"dense/{batch}/{dtype}",
        workload="dense",
        phase="forward",
        dtype=dtype,
        cost=cost(batch=batch, inputs=inputs, outputs=outputs, itemsize=ITEMSIZE_BYTES[dtype]),
        tolerance=matmul.TOLERANCES[dtype],
        suites=QUICK,
        memory_bytes=PROCESS_BYTES + 24 * elements,
        parameters={"batch": batch, "inputs": inputs, "outputs": outputs},
    )


CASES = tuple(_case(batch, 4096, 4096, "f32") for batch in (1, 128))
