"""The residual network again, in float64 NumPy: one image at a time, by explicit patches.

Written from the papers' formulas, not from `workloads.vision.resnet`: a convolution is a product
of all patches with the kernel as a matrix, a norm is over (channels of a group, all pixels).
"""

from typing import TYPE_CHECKING

import jax
import numpy as np

from workloads.catalog.vision_sizes import ResNetSize
from workloads.problem import Float64Array, exact

if TYPE_CHECKING:
    from workloads.vision.resnet import Block, Unit, Weights

EPSILON = 1e-5


def reference(size: ResNetSize, weights: "Weights", images: jax.Array) -> Float64Array:
    """Logits (batch, classes) of images (batch, rows, columns, 3)."""
    exactly = jax.tree.map(exact, weights)
    return np.stack([_image(size, exactly, image) for image in exact(images)])


def _image(size: ResNetSize, weights: "Weights", image: Float64Array) -> Float64Array:
    """Logits (classes,) of one image (rows, columns, 3)."""
    imagenet = size.stem == 7
    x = np.maximum(_unit(size, weights.stem, image, 2 if imagenet else 1), 0)
    if imagenet:
        x = patches(x, 3, 2, -np.inf).max(axis=(3, 4))
    blocks = iter(weights.blocks)
    for stage, count in enumerate(size.blocks):
        for place in range(count):
            x = _block(size, next(blocks), x, 2 if stage > 0 and place == 0 else 1)
    features = x.reshape(-1, x.shape[-1]).sum(axis=0) / (x.shape[0] * x.shape[1])
    logits: Float64Array = features @ weights.classifier + weights.classifier_bias
    return logits


def _block(size: ResNetSize, block: "Block", x: Float64Array, stride: int) -> Float64Array:
    if size.kind == "bottleneck":
        narrow, middle, expanding = block.units
        inside = np.maximum(_unit(size, narrow, x, 1), 0)
        inside = np.maximum(_unit(size, middle, inside, stride), 0)
        inside = _unit(size, expanding, inside, 1)
    else:
        first, second = block.units
        inside = _unit(size, second, np.maximum(_unit(size, first, x, stride), 0), 1)
    beside = _unit(size, block.shortcut[0], x, stride) if block.shortcut else x
    return np.maximum(inside + beside, 0)


def _unit(size: ResNetSize, unit: "Unit", x: Float64Array, stride: int) -> Float64Array:
    """A convolution without bias, then (y - mean) / std * scale + bias group by group."""
    kernel = np.asarray(unit.kernel)
    side, outputs = kernel.shape[0], kernel.shape[3]
    found = patches(x, side, stride, 0.0)  # (rows, columns, C in, side, side)
    rows = found.shape[0]
    lines = found.transpose(0, 1, 3, 4, 2).reshape(rows * rows, -1)
    y = (lines @ kernel.reshape(-1, outputs)).T.reshape(size.groups, -1)
    y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + EPSILON)
    normed: Float64Array = y.reshape(outputs, rows, rows).transpose(1, 2, 0)
    return normed * unit.scale + unit.bias


def patches(x: Float64Array, side: int, stride: int, outside: float) -> Float64Array:
    """(rows, columns, channels, side, side): what lies around every `stride`-th pixel."""
    half = side // 2
    padded = np.pad(x, ((half, half), (half, half), (0, 0)), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    return windows[::stride, ::stride]
