"""Training and validation: loss, gradients of all weights, AdamW.

Weights, gradients and moments are f32. In bf16 the model computes with weights rounded to bf16
(mixed precision, Micikevicius et al. 2018): what is added up over many steps keeps its digits.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from workloads.problem import DTYPES
from workloads.transformer.model import Weights, forward

BETA_1, BETA_2 = 0.9, 0.95
ADAM_EPSILON = 1e-8
WEIGHT_DECAY = 0.1
"""As GPT-3 and Llama were trained (Brown et al. 2020, appendix B; Touvron et al. 2023)."""


class TrainState(NamedTuple):
    """What training carries from step to step. `loss`: before the step's update."""

    weights: Weights
    optimiser: optax.OptState
    loss: jax.Array  # (), f32


class Score(NamedTuple):
    """How well a batch is predicted."""

    loss: jax.Array  # (), f32
    accuracy: jax.Array  # (), f32: the share of targets that have the largest logit


def optimiser(learning_rate: float) -> optax.GradientTransformation:
    """AdamW (Loshchilov and Hutter 2019); norms, which are vectors, do not decay."""
    return optax.adamw(
        learning_rate,
        b1=BETA_1,
        b2=BETA_2,
        eps=ADAM_EPSILON,
        weight_decay=WEIGHT_DECAY,
        mask=matrices,
    )


def matrices(weights: Weights) -> Weights:
    """True for what is no vector."""
    decays: Weights = jax.tree.map(lambda weight: weight.ndim > 1, weights)
    return decays


def loss(weights: Weights, sequences: jax.Array, dtype: str) -> jax.Array:
    """Mean cross entropy, f32, of the next of int32 sequences (B, T + 1), at each of T."""
    narrow = jax.tree.map(lambda weight: weight.astype(DTYPES[dtype]), weights)
    tokens, targets = shifted(sequences)
    return cross_entropy(forward(narrow, tokens), targets)


def shifted(sequences: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What is read (B, T), and what comes next (B, T)."""
    return sequences[:, :-1], sequences[:, 1:]


def cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean of -log softmax(logits)[targets], a scalar; logits (B, T, V) f32."""
    surprises: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return surprises.mean()


def backward(weights: Weights, sequences: jax.Array, dtype: str) -> tuple[jax.Array, Weights]:
    """The loss and its gradients, which are f32."""
    return jax.value_and_grad(loss)(weights, sequences, dtype)


def train_step(
    state: TrainState, sequences: jax.Array, dtype: str, learning_rate: float
) -> TrainState:
    """One update of all weights by one batch."""
    value, gradients = backward(state.weights, sequences, dtype)
    updates, moments = optimiser(learning_rate).update(gradients, state.optimiser, state.weights)
    weights = optax.apply_updates(state.weights, updates)
    return TrainState(weights=weights, optimiser=moments, loss=value)


def validate(weights: Weights, tokens: jax.Array, targets: jax.Array) -> Score:
    """Loss and accuracy on held-out tokens and targets, int32 (B, T) each."""
    logits = forward(weights, tokens)
    hits = logits.argmax(axis=-1) == targets
    return Score(loss=cross_entropy(logits, targets), accuracy=hits.mean(dtype=jnp.float32))
