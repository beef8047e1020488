"""A residual network (He et al. 2015), channels last, with group normalisation.

Shapes: B batch, H rows and columns, C channels, G groups, K classes. Group normalisation (Wu and
He 2018) is a pure function of one image, where batch normalisation would make an image's logits
depend on the others and keep a running mean beside the weights. Convolutions run in the images'
dtype; norms and the mean over the last image in f32 or wider; the logits are at least f32.

The stride of a bottleneck is at its 3x3 kernel (`v1.5`); padding is half of the kernel.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workloads.catalog.vision_sizes import Convolution, ResNetSize
from workloads.problem import normal
from workloads.vision.scales import about_one
from workloads.vision.wide import wide

EPSILON = 1e-5


class Unit(NamedTuple):
    """A convolution and the norm after it."""

    kernel: jax.Array  # (rows, columns, C in, C out)
    scale: jax.Array  # (C out,)
    bias: jax.Array  # (C out,)


class Block(NamedTuple):
    """Units in a row, and the one beside them where the shape changes (else none)."""

    units: tuple[Unit, ...]
    shortcut: tuple[Unit, ...]


class Weights(NamedTuple):
    """All weights."""

    stem: Unit
    blocks: tuple[Block, ...]
    classifier: jax.Array  # (C, K)
    classifier_bias: jax.Array  # (K,)


def forward(size: ResNetSize, weights: Weights, images: jax.Array) -> jax.Array:
    """Logits (B, K) of images (B, H, H, 3)."""
    x = jax.nn.relu(unit(size, weights.stem, images, size.stem_convolution.stride))
    if size.pools:
        x = largest(x)
    for block, (inner, shortcut) in zip(weights.blocks, size.layout(), strict=True):
        x = residual(size, block, x, inner, shortcut)
    features = wide(x).mean(axis=(1, 2)).astype(x.dtype)
    logits = jnp.matmul(features, weights.classifier, preferred_element_type=wide(features).dtype)
    return logits + weights.classifier_bias


def residual(
    size: ResNetSize,
    block: Block,
    x: jax.Array,
    inner: tuple[Convolution, ...],
    shortcut: Convolution | None,
) -> jax.Array:
    """relu(x + units(x)); x passes through the shortcut's unit where there is one."""
    inside = x
    for place, (weights, convolution) in enumerate(zip(block.units, inner, strict=True)):
        inside = unit(size, weights, inside, convolution.stride)
        if place < len(inner) - 1:
            inside = jax.nn.relu(inside)
    beside = unit(size, block.shortcut[0], x, shortcut.stride) if shortcut else x
    return jax.nn.relu(inside + beside)


def unit(size: ResNetSize, weights: Unit, x: jax.Array, stride: int) -> jax.Array:
    """A convolution, normalised."""
    return groupnorm(
        convolution(x, weights.kernel, stride), weights.scale, weights.bias, size.groups
    )


def convolution(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """(B, H, H, C in) with (k, k, C in, C out) -> (B, H / stride, H / stride, C out)."""
    padding = kernel.shape[0] // 2
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def groupnorm(x: jax.Array, scale: jax.Array, bias: jax.Array, groups: int) -> jax.Array:
    """(x - mean) / std * scale + bias of each image and group of channels."""
    grouped = wide(x).reshape(*x.shape[:3], groups, -1)
    mean = grouped.mean(axis=(1, 2, 4), keepdims=True)
    centred = grouped - mean
    variance = jnp.square(centred).mean(axis=(1, 2, 4), keepdims=True)
    normed = (centred * jax.lax.rsqrt(variance + EPSILON)).reshape(x.shape)
    return (normed * scale + bias).astype(x.dtype)


def largest(x: jax.Array) -> jax.Array:
    """The maximum over 3x3 with stride 2; padding never wins."""
    highest: jax.Array = jax.lax.reduce_window(
        x,
        -jnp.inf,
        jax.lax.max,
        window_dimensions=(1, 3, 3, 1),
        window_strides=(1, 2, 2, 1),
        padding=((0, 0), (1, 1), (1, 1), (0, 0)),
    )
    return highest


def draw(size: ResNetSize, dtype: str, source: np.random.Generator) -> Weights:
    """Random kernels of variance 2 / inputs (He et al. 2015), scales about 1, biases about 0."""

    def drawn(plan: Convolution) -> Unit:
        shape = (plan.kernel, plan.kernel, plan.inputs, plan.outputs)
        fan_in = plan.kernel**2 * plan.inputs
        return Unit(
            kernel=normal(source, shape, dtype, scale=(2 / fan_in) ** 0.5),
            scale=about_one(source, plan.outputs, dtype),
            bias=normal(source, (plan.outputs,), dtype, scale=0.3),
        )

    return Weights(
        stem=drawn(size.stem_convolution),
        blocks=tuple(
            Block(
                units=tuple(drawn(plan) for plan in inner),
                shortcut=(drawn(shortcut),) if shortcut else (),
            )
            for inner, shortcut in size.layout()
        ),
        classifier=normal(source, (size.features, size.classes), dtype, scale=size.features**-0.5),
        classifier_bias=normal(source, (size.classes,), dtype, scale=0.3),
    )
