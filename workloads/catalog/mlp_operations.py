"""The phases of `mlp/digits` as operations, in the order of `workloads.mlp.model`."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from workloads.catalog import activation
from workloads.catalog.mlp import ADAM_FLOPS, F32_BYTES, TRAINING, parameters
from workloads.catalog.operations import (
    ADD,
    Operation,
    Stage,
    elementwise,
    gather,
    gradients,
    product,
)

DTYPE = "f32"


def operations(
    widths: tuple[int, ...], phase: str, *, images: int, batch: int, steps: int
) -> tuple[Operation, ...]:
    """Of one call; their FLOP are the phase's cost. `steps` of `batch` images in `train`."""
    if phase == "train":
        step = (
            gather("batch", "inputs", batch, widths[0], DTYPE, itemsize=F32_BYTES, among=TRAINING),
            *operations(widths, "train_step", images=batch, batch=batch, steps=1),
        )
        return tuple(replace(each, times=each.times * steps) for each in step)
    forward = (*_forward(widths, images), _softmax(widths, images))
    if phase == "validate":
        return (*forward, _largest(widths, images, more=1))
    if phase == "infer":
        return (*forward, _largest(widths, images))
    if phase == "forward":
        return forward
    update = (_update(widths),) if phase == "train_step" else ()
    return (*forward, *_backward(widths, images), *update)


def _forward(widths: tuple[int, ...], images: int) -> Iterator[Operation]:
    last = len(widths) - 2
    for place, (inputs, outputs) in enumerate(pairwise(widths)):
        yield _layer(place, images, inputs, outputs)
        flops = 1 if place == last else 2  # bias and relu
        yield _each("relu", images * outputs, flops)


def _backward(widths: tuple[int, ...], images: int) -> Iterator[Operation]:
    """From the last layer to the first, whose input has no gradient."""
    yield _each(ADD, images * widths[-1], 2, stage="backward")
    for place, (inputs, outputs) in reversed(list(enumerate(pairwise(widths)))):
        yield from gradients(_layer(place, images, inputs, outputs), of_input=place > 0)
        flops = 1 if place == len(widths) - 2 else 2  # the bias's gradient, and relu's
        yield _each("relu", images * outputs, flops, stage="backward")


def _layer(place: int, images: int, inputs: int, outputs: int) -> Operation:
    shape = (1, images, inputs, outputs)
    return product(f"layer {place}", "mlp", shape, DTYPE, itemsize=F32_BYTES)


def _softmax(widths: tuple[int, ...], images: int) -> Operation:
    return _each("softmax", images * widths[-1], activation.FLOPS_PER_ELEMENT["softmax"])


def _largest(widths: tuple[int, ...], images: int, more: int = 0) -> Operation:
    """A comparison a class, and `more` an image."""
    found = _each("relu", images * widths[-1], 1)
    return replace(found, name="argmax", flops=found.flops + more * images)


def _update(widths: tuple[int, ...]) -> Operation:
    """Adam: weights and two moments, read and written; the gradient is read besides."""
    count = parameters(widths)
    found = _each(ADD, count, ADAM_FLOPS, stage="optimiser")
    return replace(
        found,
        name="adam",
        part="optimiser",
        kept_bytes=float(6 * F32_BYTES * count),
        access="update",
        passed_bytes=float(F32_BYTES * count),
    )


def _each(function: str, elements: int, flops: int, stage: Stage = "forward") -> Operation:
    found = elementwise(function, "mlp", elements, DTYPE, itemsize=F32_BYTES, flops=flops)
    return replace(found, stage=stage)
