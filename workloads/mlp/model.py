"""The model: 784-128-64-10, relu between, softmax at the end, trained with Adam.

Shapes: B batch, I pixels of an image, C classes.

Products are in full precision on every platform, as training is checked against a known curve:
TF32, an accelerator's default for f32, leaves it by 2 % within ten epochs. At this size a step
is far too short for the speed of its products to tell.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

LEARNING_RATE = 1e-3
"""Adam's own default, and Keras's."""


class Layer(NamedTuple):
    """One fully connected layer."""

    weights: jax.Array  # (inputs, outputs)
    bias: jax.Array  # (outputs,)


Parameters = tuple[Layer, ...]


class Training(NamedTuple):
    """What a step of training turns into the next of its kind."""

    parameters: Parameters
    optimizer: optax.OptState
    loss: jax.Array  # of the batch, before the step


class Trained(NamedTuple):
    """What training ends with."""

    losses: jax.Array  # (epochs,): the mean of an epoch's batches
    parameters: Parameters


class Verdict(NamedTuple):
    """What is said of one image, or of each."""

    label: jax.Array  # (B,) int32
    probabilities: jax.Array  # (B, C)


def logits(parameters: Parameters, images: jax.Array) -> jax.Array:
    """Images (B, I) -> (B, C), before the softmax."""
    x = images
    for layer in parameters[:-1]:
        x = jax.nn.relu(affine(layer, x))
    return affine(parameters[-1], x)


def affine(layer: Layer, x: jax.Array) -> jax.Array:
    """(B, inputs) -> (B, outputs)."""
    return jnp.matmul(x, layer.weights, precision="highest") + layer.bias


def forward(parameters: Parameters, images: jax.Array) -> jax.Array:
    """Probabilities (B, C) of images (B, I)."""
    return jax.nn.softmax(logits(parameters, images), axis=-1)


def mean_loss(parameters: Parameters, images: jax.Array, labels: jax.Array) -> jax.Array:
    """Sparse categorical cross-entropy of labels (B,), averaged over the batch."""
    scores = logits(parameters, images)
    losses: jax.Array = optax.softmax_cross_entropy_with_integer_labels(scores, labels)
    return losses.mean()


def backward(
    parameters: Parameters, images: jax.Array, labels: jax.Array
) -> tuple[jax.Array, Parameters]:
    """The loss, and its gradient by every parameter."""
    loss, gradients = jax.value_and_grad(mean_loss)(parameters, images, labels)
    return loss, gradients


def start(parameters: Parameters) -> Training:
    """Training that has not begun."""
    optimizer = optax.adam(LEARNING_RATE).init(parameters)
    return Training(parameters, optimizer, jnp.zeros((), parameters[0].bias.dtype))


def train_step(state: Training, images: jax.Array, labels: jax.Array) -> Training:
    """One step of Adam on one batch."""
    loss, gradients = backward(state.parameters, images, labels)
    updates, optimizer = optax.adam(LEARNING_RATE).update(gradients, state.optimizer)
    return Training(optax.apply_updates(state.parameters, updates), optimizer, loss)


def train(
    parameters: Parameters, images: jax.Array, labels: jax.Array, order: jax.Array
) -> Trained:
    """Trains from `parameters` on; order (epochs, steps, B) says which images are in a batch."""

    def step(state: Training, batch: jax.Array) -> tuple[Training, jax.Array]:
        state = train_step(state, images[batch], labels[batch])
        return state, state.loss

    batches = order.reshape(-1, order.shape[-1])
    state, losses = jax.lax.scan(step, start(parameters), batches)
    return Trained(losses.reshape(order.shape[:2]).mean(axis=1), state.parameters)


def validate(
    parameters: Parameters, images: jax.Array, labels: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """(loss, accuracy) over images that were not trained on."""
    right = jnp.argmax(logits(parameters, images), axis=-1) == labels
    return mean_loss(parameters, images, labels), right.mean(dtype=images.dtype)


def infer(parameters: Parameters, images: jax.Array) -> Verdict:
    """The class of each image, and how sure that is."""
    probabilities = forward(parameters, images)
    return Verdict(jnp.argmax(probabilities, axis=-1).astype(jnp.int32), probabilities)
