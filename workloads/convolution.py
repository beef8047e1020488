"""One convolution, as `workloads.vision.resnet` has them, and its two gradients."""

from functools import partial

import jax
import numpy as np

from workloads.case import Case
from workloads.problem import Float64Array, Problem, exact, generator, normal
from workloads.vision.resnet import convolution
from workloads.vision.resnet_reference import patches


def input_gradient(kernel: jax.Array, cotangent: jax.Array, *, size: int, stride: int) -> jax.Array:
    """Of sum(y * cotangent) by x (B, size, size, C in); cotangent (B, H, H, C out)."""
    shape = (cotangent.shape[0], size, size, kernel.shape[2])
    x = jax.ShapeDtypeStruct(shape, cotangent.dtype)  # type: ignore[no-untyped-call]
    transposed = jax.linear_transpose(lambda x: convolution(x, kernel, stride), x)
    gradient: jax.Array = transposed(cotangent)[0]
    return gradient


def weight_gradient(x: jax.Array, cotangent: jax.Array, *, side: int, stride: int) -> jax.Array:
    """Of sum(y * cotangent) by the kernel (side, side, C in, C out)."""
    kernel = jax.ShapeDtypeStruct((side, side, x.shape[3], cotangent.shape[3]), x.dtype)  # type: ignore[no-untyped-call]
    transposed = jax.linear_transpose(lambda kernel: convolution(x, kernel, stride), kernel)
    gradient: jax.Array = transposed(cotangent)[0]
    return gradient


def build(case: Case) -> Problem:
    """Parameters: size, kernel, stride, inputs, outputs, batch."""
    size, side, stride, inputs, outputs, batch = (
        case.integer(name) for name in ("size", "kernel", "stride", "inputs", "outputs", "batch")
    )
    source = generator(case)
    x = normal(source, (batch, size, size, inputs), case.dtype)
    kernel = normal(source, (side, side, inputs, outputs), case.dtype)
    if case.phase == "forward":
        return Problem(
            function=partial(convolution, stride=stride),
            arguments=(x, kernel),
            reference=lambda: forward_reference(x, kernel, stride),
        )
    rows = (size - 1) // stride + 1
    cotangent = normal(source, (batch, rows, rows, outputs), case.dtype)
    if case.phase == "input-gradient":
        return Problem(
            function=partial(input_gradient, size=size, stride=stride),
            arguments=(kernel, cotangent),
            reference=lambda: input_reference(kernel, cotangent, size, stride),
        )
    return Problem(
        function=partial(weight_gradient, side=side, stride=stride),
        arguments=(x, cotangent),
        reference=lambda: weight_reference(x, cotangent, side, stride),
    )


def forward_reference(x: jax.Array, kernel: jax.Array, stride: int) -> Float64Array:
    """(B, H, H, C out) in float64: image by image, all patches times the kernel as a matrix."""
    matrix = exact(kernel).reshape(-1, kernel.shape[3])
    return np.stack([_lines(image, kernel.shape[0], stride) @ matrix for image in exact(x)])


def input_reference(
    kernel: jax.Array, cotangent: jax.Array, size: int, stride: int
) -> Float64Array:
    """The gradient of the input: what each element of the kernel sends back to where it read."""
    weights, given = exact(kernel), exact(cotangent)
    side, rows = weights.shape[0], given.shape[1]
    half, reach = side // 2, stride * (rows - 1) + 1
    out = np.zeros((len(given), size + 2 * half, size + 2 * half, weights.shape[2]))
    for row in range(side):
        for column in range(side):
            there = (slice(None), slice(row, row + reach, stride))
            out[(*there, slice(column, column + reach, stride))] += given @ weights[row, column].T
    return out[:, half : half + size, half : half + size]


def weight_reference(x: jax.Array, cotangent: jax.Array, side: int, stride: int) -> Float64Array:
    """The gradient of the kernel: patches times what came back, summed over images."""
    images, given = exact(x), exact(cotangent)
    outputs = given.shape[3]
    total = sum(
        _lines(image, side, stride).reshape(-1, side**2 * image.shape[2]).T
        @ back.reshape(-1, outputs)
        for image, back in zip(images, given, strict=True)
    )
    return np.asarray(total).reshape(side, side, images.shape[3], outputs)


def _lines(image: Float64Array, side: int, stride: int) -> Float64Array:
    """(rows, columns, side * side * C): each patch as a line, in the kernel's order."""
    found = patches(image, side, stride, 0.0).transpose(0, 1, 3, 4, 2)
    return found.reshape(*found.shape[:2], -1)
