"""One step of training an image classifier: loss, gradient, optimiser.

The weights are f32 whatever the case's dtype; for bf16 they are rounded for the forward and
backward pass (Micikevicius et al. 2018), and the update is made in f32.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from workloads.vision.models import Model


class State(NamedTuple):
    """What a step hands to the next."""

    weights: Any
    moments: optax.OptState
    loss: jax.Array  # () mean cross entropy before the last update


def begin(model: Model, weights: Any) -> State:
    """The state before the first step."""
    first = jax.tree.leaves(weights)[0]
    return State(weights, model.optimiser.init(weights), jnp.zeros((), first.dtype))


def step(model: Model, state: State, images: jax.Array, labels: jax.Array) -> State:
    """Images (B, rows, columns, 3) and their int32 labels (B,): the next state."""
    value, gradient = jax.value_and_grad(loss, argnums=1)(model, state.weights, images, labels)
    updates, moments = model.optimiser.update(gradient, state.moments, state.weights)
    return State(optax.apply_updates(state.weights, updates), moments, value)


def loss(model: Model, weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross entropy, computed in the images' dtype."""
    rounded = jax.tree.map(lambda leaf: leaf.astype(images.dtype), weights)
    logits = model.forward(rounded, images)
    mean: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    return mean
