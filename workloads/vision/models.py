"""What a name of the catalogue (`resnet50`, `vit-s16`) stands for, as functions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from workloads.catalog.vision_sizes import MODELS, ResNetSize, VitSize
from workloads.problem import Float64Array
from workloads.vision import resnet, resnet_reference, vit, vit_reference


@dataclass(frozen=True, kw_only=True)
class Model:
    """An image classifier.

    `forward`: (weights, images) -> logits. `draw`: (dtype, source) -> weights.
    `reference`: `forward` in float64 NumPy. `optimiser`: what it is trained by.
    """

    forward: Callable[[Any, jax.Array], jax.Array]
    draw: Callable[[str, np.random.Generator], Any]
    reference: Callable[[Any, jax.Array], Float64Array]
    optimiser: optax.GradientTransformation


def find(name: str) -> Model:
    """The model called `name`, a key of MODELS."""
    return of(MODELS[name])


def of(size: ResNetSize | VitSize) -> Model:
    """The model of this size."""
    if isinstance(size, ResNetSize):
        return Model(
            forward=partial(resnet.forward, size),
            draw=partial(resnet.draw, size),
            reference=partial(resnet_reference.reference, size),
            optimiser=optax.sgd(learning_rate=size.rate, momentum=0.9),
        )
    return Model(
        forward=partial(vit.forward, size),
        draw=partial(vit.draw, size),
        reference=partial(vit_reference.reference, size),
        optimiser=optax.adamw(learning_rate=size.rate, weight_decay=0.1),
    )
