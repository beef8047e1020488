"""Collectives over N devices, and a training step whose batch is spread over them.

What crosses the link is what a ring moves, for each device and of S bytes: 2 (N-1)/N S in an
all-reduce, (N-1)/N S in an all-gather (S the gathered) and a reduce-scatter (S what is reduced),
S in a permutation (NVIDIA's nccl-tests, doc/PERFORMANCE.md, "bus bandwidth").

On CPU the devices are forced (`workloads.launch --devices N`): one process, one memory.
"""

from workloads.case import (
    CEILINGS,
    FULL,
    ITEMSIZE_BYTES,
    PROCESS_BYTES,
    QUICK,
    STANDARD,
    Case,
    Cost,
    Work,
)
from workloads.catalog import activation

MIB = 1 << 20

TOLERANCE = 1e-5
"""Up to eight f32 numbers are added: 1e-7 seen. A device that is left out costs 3."""

TRAIN_TOLERANCE = 0.01
"""A loss over 8 steps, f32: 1e-7 seen on CPU; TF32 that truncates costs 5e-3. Gradients of one
device alone cost 0.4, an output bias that is not learnt 0.03. A hidden bias that is not costs
2e-3: that is found out on CPU, in the tests."""

STEPS = 8
"""Steps of training that are checked."""

NAMES = ("all-reduce", "all-gather", "reduce-scatter", "permute")

RING_SHARE = {"all-reduce": 2, "all-gather": 1, "reduce-scatter": 1}
"""What each device sends to others, in (N-1)/N of the size."""


def cost(name: str, *, devices: int, elements: int, itemsize: int) -> Cost:
    """`elements`: S in elements. FLOP and bytes are those of all devices together: N - 1
    additions for each reduced element; what each device reads of its own and writes."""
    share = elements // devices
    given = share if name == "all-gather" else elements
    taken = share if name == "reduce-scatter" else elements
    adds = (devices - 1) * elements if "reduce" in name else 0
    sent = RING_SHARE[name] * (devices - 1) / devices if name in RING_SHARE else 1.0
    return Cost(
        flops=float(adds),
        bytes=float(itemsize * devices * (given + taken)),
        link_bytes=sent * itemsize * elements,
    )


def train_cost(
    *, devices: int, batch: int, inputs: int, hidden: int, classes: int, itemsize: int
) -> Cost:
    """One step of gradient descent on relu(x W1 + b1) W2 + b2; `batch` samples a device.

    FLOP, a sample: each product forward and for its weights' gradient, W2's also for its
    input's; biases, relu and its mask, softmax, the loss's gradient, sums into the biases'
    gradients. Two a parameter for the update, once. Bytes: every device reads and writes all
    parameters. Link: an all-reduce of the gradients and the loss.
    """
    products = inputs * hidden + hidden * classes
    parameters = products + hidden + classes
    sample = (
        4 * products
        + 2 * hidden * classes
        + 4 * hidden  # bias, relu, mask, bias's gradient
        + (3 + activation.FLOPS_PER_ELEMENT["softmax"]) * classes  # bias, - target, gradient
    )
    samples = devices * batch
    return Cost(
        flops=float(samples * sample + 2 * parameters),
        bytes=float(itemsize * (2 * devices * parameters + samples * inputs) + 4 * samples),
        link_bytes=2 * (devices - 1) / devices * itemsize * (parameters + 1),
    )


def _collective(
    name: str, mebibytes: int, devices: int, suites: tuple[str, ...], dtype: str = "f32"
) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    elements = mebibytes * MIB // itemsize
    return Case(
        id=f"collective/{name}/{mebibytes}MiB-x{devices}/{dtype}",
        workload="collective",
        phase="kernel",
        dtype=dtype,
        cost=cost(name, devices=devices, elements=elements, itemsize=itemsize),
        tolerance=TOLERANCE,
        suites=suites,
        # Of every device: input (twice while drawn), output, that on the host, and in float64.
        memory_bytes=PROCESS_BYTES + 32 * devices * elements,
        devices=devices,
        parameters={"collective": name, "elements": elements},
    )


def _train(devices: int, suites: tuple[str, ...], dtype: str = "f32") -> Case:
    shape = {"batch": 128, "inputs": 256, "hidden": 512, "classes": 16}
    return Case(
        id=f"collective/data-parallel/mlp-x{devices}/train_step/{dtype}",
        workload="collective",
        phase="train_step",
        dtype=dtype,
        cost=train_cost(devices=devices, itemsize=ITEMSIZE_BYTES[dtype], **shape),
        tolerance=TRAIN_TOLERANCE,
        suites=suites,
        memory_bytes=2 * PROCESS_BYTES,
        work=Work(unit="sample", count=devices * shape["batch"]),
        devices=devices,
        parameters={"collective": "data-parallel", **shape},
    )


CASES = (
    _collective("all-reduce", 1, 2, (*QUICK, CEILINGS)),
    *(_collective(name, 16, 2, (*STANDARD, CEILINGS)) for name in NAMES),
    *(_collective(name, 256, 8, FULL) for name in NAMES),
    _train(2, STANDARD),
    _train(8, FULL),
)
