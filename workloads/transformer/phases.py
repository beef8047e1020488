"""A case of the Transformer made concrete: what is compiled, on what, checked against what."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.problem import Problem, generator, on_device
from workloads.transformer import reference, reference_train
from workloads.transformer.decode import LayerCache, State, decode, prefill
from workloads.transformer.inputs import cache_of_normals, draw, integers
from workloads.transformer.known_losses import KNOWN_LOSSES
from workloads.transformer.model import Implementation, Weights, forward, served_by
from workloads.transformer.train import TrainState, backward, optimiser, train_step, validate

SURE = 0.5
"""Logits' lead, from which the reference's choice is also that of bf16 (error 0.05)."""


def build(case: Case) -> Problem:
    """Parameters: those of TransformerSize, batch, context, and those of the phase below."""
    return PHASES[case.phase](case)


def forward_problem(case: Case) -> Problem:
    """`checked_batch`, `checked_context`: so many sequences are checked, that far.

    What comes later in a sequence does not change its beginning: the reference never reads it.
    """
    source, size = generator(case), TransformerSize.of(case)
    weights = draw(size, case.dtype, source)
    tokens = integers(source, size, case.integer("batch"), case.integer("context"))
    part = slice(case.integer("checked_batch")), slice(case.integer("checked_context"))
    return Problem(
        function=forward,
        arguments=(weights, tokens),
        checked=lambda logits: logits[part],
        reference=lambda: reference.forward(weights, np.asarray(tokens)[part]),
    )


def backward_problem(case: Case) -> Problem:
    """`checked_layers`: the gradients of so many, from the last, are checked.

    Also those of what comes after, and, where it is all layers, of the embedding.
    """
    weights, sequences = training_inputs(case)
    top = case.integer("checked_layers")
    depth = len(weights.layers)

    def picked(output: tuple[Any, Weights]) -> Any:
        value, found = output
        embedding = found.embedding if top >= depth else ()
        gradients = jax.tree.leaves((embedding, found.layers[-top:], found[2:]))
        norms = [np.asarray(gradient) for gradient in gradients if gradient.ndim == 1]
        # One norm is too few numbers to tell a wrong factor from the rounding of bf16.
        return value, [g for g in gradients if g.ndim > 1], np.concatenate(norms)

    return Problem(
        function=partial(backward, dtype=case.dtype),
        arguments=(weights, sequences),
        checked=picked,
        reference=lambda: picked(reference_train.backward(weights, np.asarray(sequences), top=top)),
    )


def train_step_problem(case: Case) -> Problem:
    """`steps`, `learning_rate`; `known_steps`: the losses that NumPy computes while we wait.

    A longer training is done once and for all (`known_losses`). The state is overwritten, so
    the reference draws its weights again.
    """
    rate, known_steps = float(case.parameters["learning_rate"]), case.integer("known_steps")
    weights, sequences = training_inputs(case)

    def known() -> Any:
        if case.id in KNOWN_LOSSES:
            return np.array(KNOWN_LOSSES[case.id])
        again, batch = training_inputs(case)
        return reference_train.losses(
            again, np.asarray(batch), steps=known_steps, learning_rate=rate
        )

    return Problem(
        function=partial(train_step, dtype=case.dtype, learning_rate=rate),
        state=TrainState(
            weights=weights,
            # The moments start as zeros; filled without compiling a program that does it.
            optimiser=jax.tree.map(
                lambda leaf: on_device(np.zeros(leaf.shape, leaf.dtype)),
                jax.eval_shape(optimiser(rate).init, weights),
            ),
            loss=on_device(np.zeros((), dtype=np.float32)),
        ),
        arguments=(sequences,),
        checked=lambda state: state.loss,
        reference=known,
        steps=case.integer("steps"),
        falls=True,
    )


def training_inputs(case: Case) -> tuple[Weights, jax.Array]:
    """f32 weights and sequences (batch, context + 1); the same at every call."""
    source, size = generator(case), TransformerSize.of(case)
    weights = draw(size, "f32", source)
    return weights, integers(source, size, case.integer("batch"), case.integer("context") + 1)


def validate_problem(case: Case) -> Problem:
    """All of the batch is checked: both results are means over it."""
    source, size = generator(case), TransformerSize.of(case)
    weights = draw(size, case.dtype, source)
    tokens = integers(source, size, case.integer("batch"), case.integer("context"))
    targets, score = graded(weights, np.asarray(tokens), source)
    return Problem(
        function=validate,
        arguments=(weights, tokens, on_device(targets)),
        reference=lambda: score,
    )


def graded(
    weights: Weights, tokens: reference.Tokens, source: np.random.Generator
) -> tuple[reference.Tokens, tuple[Any, Any]]:
    """(targets like tokens (B, T), (loss, accuracy)): random, but right where it is SURE.

    Random targets are never hit, and a hit by a hair would be another's miss.
    """
    vocab = weights.unembedding.shape[1]
    targets = source.integers(vocab, size=tokens.shape, dtype=np.int32)
    surprises, hits = [], []
    found = reference.courses(weights, tokens)
    for row, logits in zip(targets, reference.each_logits(weights, found), strict=True):
        second, first = np.partition(logits, vocab - 2, axis=-1)[:, -2:].T
        choice = logits.argmax(axis=-1)
        sure = first - second > SURE
        row[sure] = choice[sure]
        # Where it is unsure, the target is neither of the likely two.
        away = ~sure & (logits[np.arange(len(row)), row] >= second)
        row[away] = logits[away].argmin(axis=-1)
        surprises.append(reference_train.surprise(logits, row))
        hits.append((choice == row).mean())
    return targets, (np.array(np.mean(surprises)), np.array(np.mean(hits)))


def prefill_problem(case: Case) -> Problem:
    """`checked_batch`: so many prompts are checked, cache and logits."""
    source, size = generator(case), TransformerSize.of(case)
    weights = draw(size, case.dtype, source)
    batch, some = case.integer("batch"), case.integer("checked_batch")
    tokens = integers(source, size, batch, case.integer("context"))
    return Problem(
        function=prefill,
        state=inference_state(case, weights, source),
        arguments=(weights, tokens),
        checked=lambda after: (*entries(after.cache, weights, some), after.logits[:some]),
        reference=lambda: reference.prefill(weights, np.asarray(tokens)[:some]),
    )


def decode_problem(case: Case) -> Problem:
    """One more token, at the last position of a cache that is full of older ones.

    `checked_batch`: of so many sequences the new entries and the logits are checked.
    """
    source, size = generator(case), TransformerSize.of(case)
    weights = draw(size, case.dtype, source)
    last, some = case.integer("context") - 1, case.integer("checked_batch")
    tokens = integers(source, size, case.integer("batch"))
    state = inference_state(case, weights, source)
    keys, values = entries(state.cache, weights, some)
    past = keys[:, :, :last], values[:, :, :last]

    def picked(after: State) -> Any:
        new = (found[:, :, last] for found in entries(after.cache, weights, some))
        return *new, after.logits[:some]

    return Problem(
        function=decode,
        state=state,
        arguments=(weights, tokens, jnp.int32(last)),
        checked=picked,
        reference=lambda: reference.decode(weights, past, np.asarray(tokens)[:some]),
    )


def inference_state(case: Case, weights: Weights, source: np.random.Generator) -> State:
    """No logits yet, and a cache of random entries."""
    logits = case.integer("batch"), weights.unembedding.shape[1]
    return State(
        cache=cache_of_normals(case, cache_served_by(weights), source),
        logits=jnp.zeros(logits, dtype=jnp.float32),
    )


def entries(
    cache: tuple[LayerCache, ...], weights: Weights, sequences: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keys and values, each (n, layers, S, N, K), on the host: of the first n sequences."""
    kv_heads = weights.layers[0].key.shape[1]

    def some(layer: jax.Array) -> NDArray[Any]:
        if cache_served_by(weights) == "cudnn":
            return np.asarray(layer[:sequences])
        heads = np.asarray(layer[: sequences * kv_heads])
        return heads.reshape(-1, kv_heads, *heads.shape[1:]).swapaxes(1, 2)

    keys, values = (
        np.stack([some(layer) for layer in layers], axis=1) for layers in zip(*cache, strict=True)
    )
    return keys, values


def cache_served_by(weights: Weights) -> Implementation:
    """What the model will attend with: heads of the keys' width and dtype decide."""
    return served_by(weights.layers[0].key)


PHASES: dict[str, Callable[[Case], Problem]] = {
    "forward": forward_problem,
    "backward": backward_problem,
    "train_step": train_step_problem,
    "validate": validate_problem,
    "prefill": prefill_problem,
    "decode": decode_problem,
}
