"""backward, train_step and validate: against NumPy, against differences, and broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.workloads.conftest import build
from tests.workloads.test_transformer_inference import (
    BROKEN_ATTENTION,
    BROKEN_MODEL,
)
from tests.workloads.tiny_transformer import tiny
from workloads.catalog import find
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import exact
from workloads.transformer import model, phases, reference_train, train

DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])


def unshifted(sequences: jax.Array) -> tuple[jax.Array, jax.Array]:
    return sequences[:, :-1], sequences[:, :-1]


def shifted_twice(sequences: jax.Array) -> tuple[jax.Array, jax.Array]:
    return sequences[:, :-1], jnp.roll(sequences, -2, axis=1)[:, :-1]


def summed(logits: jax.Array, targets: jax.Array) -> jax.Array:
    surprises: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return surprises.sum()


@DTYPES
@pytest.mark.parametrize("phase", ["backward", "train_step", "validate"])
def test_the_numbers_are_right(phase: str, dtype: str) -> None:
    """In f32 much better than is asked; in bf16 the catalogue's own: smaller ones round more."""
    case = tiny(phase) if dtype == "f32" else find(f"transformer/nano/{phase}/bf16")
    error = prepare(case, build(case)).numerics_error
    assert error < ({"backward": 1e-3}.get(phase, 1e-5) if dtype == "f32" else case.tolerance)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_every_gradient_is_numpy_s(kv_heads: int) -> None:
    case = tiny("backward", kv_heads=kv_heads, checked_layers=2)
    problem = build(case)
    value, found = jax.jit(problem.function)(*problem.arguments)
    weights, sequences = problem.arguments
    known, wanted = reference_train.backward(weights, np.asarray(sequences), top=2)
    assert value == pytest.approx(float(known), rel=1e-6)
    for got, want in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max())


@pytest.mark.usefixtures("hasty")
def test_gradients_are_central_differences() -> None:
    """Along a random direction for each array, in float64: JAX's and NumPy's gradients."""
    weights, sequences = build(tiny("backward", layers=1, context=6)).arguments
    step = 1e-5
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        wide = jax.tree.map(exact, weights)
        flat, structure = jax.tree.flatten(wide)

        def loss(leaves: list[Any]) -> float:
            return reference_train.loss(
                jax.tree.unflatten(structure, leaves), np.asarray(sequences)
            )

        gradients = jax.grad(loss64)(jax.tree.map(jnp.asarray, wide), sequences)
        _, by_hand = reference_train.backward(wide, np.asarray(sequences), top=1)
        pairs = zip(jax.tree.leaves(gradients), jax.tree.leaves(by_hand), strict=True)
        for place, (found, hand) in enumerate(pairs):
            way = random.standard_normal(flat[place].shape)
            ahead, behind = list(flat), list(flat)
            ahead[place], behind[place] = flat[place] + step * way, flat[place] - step * way
            slope = (loss(ahead) - loss(behind)) / (2 * step)
            assert np.vdot(hand, way) == pytest.approx(slope, rel=1e-6, abs=1e-9)
            # Norms, angles and softmax stay f32 in the model, whatever its weights are.
            assert np.vdot(found, way) == pytest.approx(slope, rel=1e-4, abs=1e-6)


def loss64(weights: Any, sequences: jax.Array) -> jax.Array:
    tokens, targets = train.shifted(sequences)
    return train.cross_entropy(model.forward(weights, tokens), targets)


BROKEN_LOSS = [
    ("shifted", unshifted),
    ("shifted", shifted_twice),
    ("cross_entropy", summed),
]


@pytest.mark.parametrize(
    ("phase", "part", "wrong"),
    [
        *(("backward", *broken) for broken in BROKEN_LOSS + BROKEN_MODEL + BROKEN_ATTENTION),
        *(("train_step", *broken) for broken in BROKEN_LOSS + BROKEN_ATTENTION),
    ],
)
@pytest.mark.usefixtures("hasty")
def test_a_broken_part_is_refused(
    monkeypatch: pytest.MonkeyPatch, phase: str, part: str, wrong: Callable[..., Any]
) -> None:
    case = tiny(phase, layers=1, checked_layers=1)
    problem = build(case)
    monkeypatch.setattr(model if hasattr(model, part) else train, part, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, problem)


NO_DECAY = ("WEIGHT_DECAY", 0.0)
OTHER_BETAS = (("BETA_1", 0.8), ("BETA_2", 0.999), ("BETA_2", 0.9))


@pytest.mark.parametrize(("constant", "wrong"), [NO_DECAY, *OTHER_BETAS])
@pytest.mark.usefixtures("hasty")
def test_another_adamw_is_refused(
    monkeypatch: pytest.MonkeyPatch, constant: str, wrong: float
) -> None:
    case = tiny("train_step", layers=1, learning_rate=1e-2)  # slower, gradients hardly turn
    monkeypatch.setattr(train, constant, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, build(case))


@pytest.mark.parametrize(
    ("dtype", "constant", "wrong"),
    [
        ("f32", *NO_DECAY),  # in bf16 rounding does more
        *((dtype, *beta) for dtype in ("f32", "bf16") for beta in OTHER_BETAS),
    ],
)
def test_the_catalogue_s_case_is_long_enough_to_tell_another_adamw(
    monkeypatch: pytest.MonkeyPatch, dtype: str, constant: str, wrong: float
) -> None:
    """NumPy's own training with that constant is further off than the case tolerates."""
    case = find(f"transformer/nano/train_step/{dtype}")
    problem = build(case)
    right = problem.reference()
    monkeypatch.setattr(reference_train, constant, wrong)
    away = np.abs(problem.reference() - right).max() / np.sqrt(np.mean(right**2))
    assert away > case.tolerance


@pytest.mark.usefixtures("hasty")
def test_a_training_that_does_not_learn_is_refused() -> None:
    """Also beyond the steps whose losses are known."""
    case = tiny("train_step", known_steps=1)
    problem = build(case)
    assert problem.reference().shape == (1,)
    prepare(case, problem)
    backwards = partial(train.train_step, dtype="f32", learning_rate=-1e-3)
    with pytest.raises(WrongNumbers, match="does not fall"):
        prepare(case, replace(build(case), function=backwards))


def test_only_the_last_layers_gradients_are_checked_where_the_case_says_so() -> None:
    case = tiny("backward", checked_layers=1)
    _, matrices, norms = build(case).reference()
    assert len(matrices) == 7 + 1
    assert norms.shape == (3 * 32,)
    assert prepare(case, build(case)).numerics_error < 1e-3


@DTYPES
@pytest.mark.usefixtures("hasty")
def test_a_wrong_accuracy_or_loss_is_refused(dtype: str) -> None:
    case = tiny("validate", dtype)
    problem = build(case)
    score = problem.reference()
    assert 0.05 < score[1] < 0.95

    def runner_up(weights: Any, tokens: jax.Array, targets: jax.Array) -> train.Score:
        logits = model.forward(weights, tokens)
        second = jnp.argsort(logits, axis=-1)[..., -2]
        return train.validate(weights, tokens, targets)._replace(
            accuracy=(second == targets).mean(dtype=jnp.float32)
        )

    def next_targets(weights: Any, tokens: jax.Array, targets: jax.Array) -> train.Score:
        return train.validate(weights, tokens, jnp.roll(targets, 1, axis=1))

    for wrong in (runner_up, next_targets):
        with pytest.raises(WrongNumbers):
            prepare(case, replace(problem, function=wrong))


def test_state_and_weights_are_drawn_alike_at_every_call() -> None:
    case = tiny("train_step")
    first, second = (phases.training_inputs(case) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, second)
