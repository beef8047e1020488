"""A multilayer perceptron that reads handwritten digits, phase by phase.

The model of the source material: 784-128-64-10, relu, softmax, Adam, batches of 32, ten epochs
over 1440 training images; 357 are held out.
"""

from collections.abc import Mapping
from itertools import pairwise

from workloads.case import PROCESS_BYTES, QUICK, STANDARD, Case, Cost, Work
from workloads.catalog import activation

WIDTHS = (784, 128, 64, 10)
BATCH, EPOCHS, TRAINING, TEST = 32, 10, 1440, 357

F32_BYTES = INT32_BYTES = 4

ADAM_FLOPS = 14
"""A parameter (Kingma and Ba 2015, algorithm 1): mean 3, mean square 4, their corrections 2,
root, epsilon, division, rate, subtraction."""

TOLERANCES: Mapping[str, float] = {
    # Full f32 on every platform: 1e-6. Products in bf16 give 0.008, in TF32 0.003.
    "forward": 1e-4,
    "infer": 1e-4,
    "validate": 1e-4,  # one image of 357 told otherwise: 0.003
    # 2e-6; relu's slope of 1 or 0 makes more of any error: 0.02 in TF32.
    "backward": 1e-3,
    # 1e-6 to 7e-4, by the draw: Adam divides a gradient by its own size, however small.
    "train_step": 5e-3,
    # Within one to five epochs two trainings that differ in rounding part, as relu takes one
    # sample's gradient or not: 0.006 in the end, and 0.03 in TF32. The first epochs' losses all
    # but decide the scale (4e-5 off), which is bound to 0.003: what is wrong from the start is
    # refused by that.
    "train": 0.05,
}


def parameters(widths: tuple[int, ...]) -> int:
    """Weights and biases of all layers."""
    return _weights(widths) + sum(widths[1:])


def forward_cost(widths: tuple[int, ...], *, images: int) -> Cost:
    """Probabilities of `images` images.

    FLOP: 2 a weight, 1 a bias, 1 a relu, softmax's count a class. Bytes: parameters, images and
    probabilities.
    """
    return Cost(
        flops=float(images * (_logits_flops(widths) + _softmax_flops(widths))),
        bytes=float(F32_BYTES * (parameters(widths) + images * (widths[0] + widths[-1]))),
    )


def backward_cost(widths: tuple[int, ...], *, images: int) -> Cost:
    """Loss and gradients.

    FLOP: the forward pass and the loss; probabilities less one-hot labels, over the batch (2 a
    class); 2 a weight for its gradient and, but for the first layer's, 2 for that of its input;
    1 an output for the bias's and 1 a relu. Bytes: parameters, images and int32 labels in,
    gradients and loss out.
    """
    inner = _weights(widths) - widths[0] * widths[1]
    back = 2 * widths[-1] + 2 * _weights(widths) + 2 * inner + sum(widths[1:]) + sum(widths[1:-1])
    there = 2 * parameters(widths) + images * widths[0] + 1
    return Cost(
        flops=float(images * (_logits_flops(widths) + _softmax_flops(widths) + back)),
        bytes=float(F32_BYTES * there + INT32_BYTES * images),
    )


def train_step_cost(widths: tuple[int, ...], *, images: int) -> Cost:
    """`backward_cost` and ADAM_FLOPS a parameter.

    Bytes: parameters, mean and mean square in and out, a batch in and its loss out; gradients
    need not reach memory.
    """
    states = 6 * parameters(widths)
    return Cost(
        flops=backward_cost(widths, images=images).flops + ADAM_FLOPS * parameters(widths),
        bytes=float(F32_BYTES * (states + images * widths[0] + 1) + INT32_BYTES * images),
    )


def train_cost(widths: tuple[int, ...], *, images: int, batch: int, epochs: int) -> Cost:
    """`train_step_cost` for every whole batch of every epoch.

    Bytes: all images, their labels and the parameters in, the order of the images, parameters
    and losses out. All of it would fit in a cache: what the steps move between is not counted.
    """
    steps = epochs * (images // batch)
    floats = images * widths[0] + 2 * parameters(widths) + epochs
    return Cost(
        flops=steps * train_step_cost(widths, images=batch).flops,
        bytes=float(F32_BYTES * floats + INT32_BYTES * (images + steps * batch)),
    )


def validate_cost(widths: tuple[int, ...], *, images: int) -> Cost:
    """Logits, softmax's count and one comparison a class, one comparison an image."""
    each = _logits_flops(widths) + _softmax_flops(widths) + widths[-1] + 1
    floats = parameters(widths) + images * widths[0] + 2
    return Cost(flops=float(images * each), bytes=float(F32_BYTES * floats + INT32_BYTES * images))


def infer_cost(widths: tuple[int, ...], *, images: int) -> Cost:
    """`forward_cost`, a comparison a class, and int32 classes out."""
    cost = forward_cost(widths, images=images)
    return Cost(flops=cost.flops + images * widths[-1], bytes=cost.bytes + INT32_BYTES * images)


def _weights(widths: tuple[int, ...]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(widths))


def _logits_flops(widths: tuple[int, ...]) -> int:
    return 2 * _weights(widths) + sum(widths[1:]) + sum(widths[1:-1])


def _softmax_flops(widths: tuple[int, ...]) -> int:
    return activation.FLOPS_PER_ELEMENT["softmax"] * widths[-1]


def _case(phase: str, images: int, cost: Cost, suites: tuple[str, ...]) -> Case:
    return Case(
        id=f"mlp/digits/{phase}/f32",
        workload="mlp",
        phase=phase,
        dtype="f32",
        cost=cost,
        tolerance=TOLERANCES[phase],
        suites=suites,
        # All images in float64, twice at 28x28; parameters are nothing beside them.
        memory_bytes=PROCESS_BYTES + 4 * 8 * (TRAINING + TEST) * WIDTHS[0],
        work=Work(unit="image", count=images),
        parameters={
            **dict(zip(("inputs", "hidden1", "hidden2", "classes"), WIDTHS, strict=True)),
            "batch": BATCH,
            "epochs": EPOCHS,
        },
    )


CASES = (
    _case("forward", BATCH, forward_cost(WIDTHS, images=BATCH), STANDARD),
    _case("backward", BATCH, backward_cost(WIDTHS, images=BATCH), STANDARD),
    _case("train_step", BATCH, train_step_cost(WIDTHS, images=BATCH), QUICK),
    _case(
        "train",
        EPOCHS * TRAINING,
        train_cost(WIDTHS, images=TRAINING, batch=BATCH, epochs=EPOCHS),
        STANDARD,
    ),
    _case("validate", TEST, validate_cost(WIDTHS, images=TEST), STANDARD),
    _case("infer", 1, infer_cost(WIDTHS, images=1), QUICK),
)
