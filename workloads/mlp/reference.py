"""The model again, in float64 NumPy, with its gradients and Adam written out by hand."""

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from workloads.problem import Float64Array

Integers = NDArray[np.int32]

Layers = list[tuple[Float64Array, Float64Array]]
"""Weights (inputs, outputs) and bias (outputs,) of each layer."""

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
"""Kingma and Ba 2015, algorithm 1."""


def probabilities(layers: Layers, images: Float64Array) -> Float64Array:
    """(n, 10) of images (n, 784)."""
    return _activations(layers, images)[-1]


def loss(layers: Layers, images: Float64Array, labels: Integers) -> float:
    """Mean of -log of the probability of the right class."""
    return _loss(probabilities(layers, images), labels)


def accuracy(layers: Layers, images: Float64Array, labels: Integers) -> float:
    """Share of the images whose likeliest class is the right one."""
    return float(np.mean(probabilities(layers, images).argmax(axis=1) == labels))


def gradients(layers: Layers, images: Float64Array, labels: Integers) -> tuple[float, Layers]:
    """The loss, and its gradients layer by layer (Rumelhart, Hinton and Williams 1986)."""
    activations = _activations(layers, images)
    likely = activations[-1]
    error = (likely - np.eye(likely.shape[1])[labels]) / len(labels)
    found: Layers = []
    for (weights, _), inputs in zip(reversed(layers), reversed(activations[:-1]), strict=True):
        found.insert(0, (inputs.T @ error, error.sum(axis=0)))
        error = (error @ weights.T) * (inputs > 0)
    return _loss(likely, labels), found


def train(
    layers: Layers, images: Float64Array, labels: Integers, order: Integers
) -> tuple[Float64Array, Layers]:
    """The loss of each batch before its step (steps,), and the layers after the last.

    order (steps, batch): which images make up a batch. Products this small are slower by
    several threads, and ten times slower where these wait for other programs.
    """
    with threadpool_limits(1, user_api="blas"):
        return _train(layers, images, labels, order)


def _train(
    layers: Layers, images: Float64Array, labels: Integers, order: Integers
) -> tuple[Float64Array, Layers]:
    theta = np.concatenate([leaf.ravel() for layer in layers for leaf in layer])
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    losses = np.empty(len(order))
    for step, batch in enumerate(order):
        losses[step], found = gradients(_split(theta, layers), images[batch], labels[batch])
        gradient = np.concatenate([leaf.ravel() for layer in found for leaf in layer])
        mean += (1 - BETA1) * (gradient - mean)
        square += (1 - BETA2) * (gradient**2 - square)
        unbiased = mean / (1 - BETA1 ** (step + 1))
        spread = np.sqrt(square / (1 - BETA2 ** (step + 1)))
        theta = theta - LEARNING_RATE * unbiased / (spread + EPSILON)
    return losses, _split(theta, layers)


def _activations(layers: Layers, images: Float64Array) -> list[Float64Array]:
    """What goes into each layer, and the probabilities that come out of the last."""
    found = [images]
    for weights, bias in layers[:-1]:
        found.append(np.maximum(found[-1] @ weights + bias, 0.0))
    weights, bias = layers[-1]
    scores = found[-1] @ weights + bias
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return [*found, powers / powers.sum(axis=1, keepdims=True)]


def _loss(likely: Float64Array, labels: Integers) -> float:
    return float(-np.log(likely[np.arange(len(labels)), labels]).mean())


def _split(theta: Float64Array, like: Layers) -> Layers:
    """One long vector as weights and biases."""
    layers, start = [], 0
    for weights, bias in like:
        middle = start + weights.size
        end = middle + bias.size
        layers.append((theta[start:middle].reshape(weights.shape), theta[middle:end]))
        start = end
    return layers
