"""The model against its reference, phase by phase, whole and with each part broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

from tests.workloads.conftest import build
from workloads import catalog
from workloads.case import Case
from workloads.mlp import digits, model, problems, reference
from workloads.mlp.model import Layer, Parameters
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import exact

AFFINE, MEAN_LOSS, SOFTMAX = model.affine, model.mean_loss, jax.nn.softmax
TRAIN_STEP, ADAM = model.train_step, optax.adam
PHASES = ("forward", "backward", "train_step", "train", "validate", "infer")
STEPPING = ("train_step", "train")


SMALLER: dict[str, int | float | str] = {"hidden1": 32, "hidden2": 16, "epochs": 4}


def case(phase: str) -> Case:
    return catalog.find(f"mlp/digits/{phase}/f32")


def smaller(phase: str) -> Case:
    """The same with a smaller model, and shorter training: a NumPy training of tens of ms."""
    full = case(phase)
    return replace(full, parameters={**full.parameters, **SMALLER})


def biasless(layer: Layer, x: jax.Array) -> jax.Array:
    return AFFINE(layer._replace(bias=jnp.zeros_like(layer.bias)), x)


def narrow(layer: Layer, x: jax.Array) -> jax.Array:
    product = x.astype(jnp.bfloat16) @ layer.weights.astype(jnp.bfloat16)
    return product.astype(x.dtype) + layer.bias


def over_the_batch(x: jax.Array, axis: int) -> jax.Array:
    return SOFTMAX(x, axis=0)


def summed(parameters: Parameters, images: jax.Array, labels: jax.Array) -> jax.Array:
    return len(images) * MEAN_LOSS(parameters, images, labels)


def shifted(parameters: Parameters, images: jax.Array, labels: jax.Array) -> jax.Array:
    return MEAN_LOSS(parameters, images, (labels + 1) % 10)


def uncorrected(rate: float) -> optax.GradientTransformation:
    """Adam whose averages start at zero, and are taken as they are."""

    def update(gradients: Any, state: Any, _: Any = None) -> Any:
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state[0].mu, gradients)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, state[0].nu, gradients)
        steps = jax.tree.map(lambda m, v: -rate * m / (jnp.sqrt(v) + 1e-8), mean, square)
        return steps, (state[0]._replace(mu=mean, nu=square), *state[1:])

    return optax.GradientTransformation(ADAM(rate).init, update)


def in_order(parameters: Parameters, *data: jax.Array) -> model.Trained:
    """The images as they lie, in every epoch."""
    images, labels, order = data
    lying = jnp.arange(order.size, dtype=jnp.int32).reshape(order.shape) % len(images)
    return model.train(parameters, images, labels, lying)


def on_half(parameters: Parameters, *data: jax.Array) -> model.Trained:
    """Twice over the first half of each epoch's batches."""
    images, labels, order = data
    half = order[:, : order.shape[1] // 2]
    return model.train(
        parameters, images, labels, jnp.concatenate([half, half, order[:, :1]], axis=1)
    )


def in_the_same_order(parameters: Parameters, *data: jax.Array) -> model.Trained:
    """The first epoch's order in every epoch."""
    images, labels, order = data
    return model.train(parameters, images, labels, jnp.broadcast_to(order[:1], order.shape))


def forgetful(parameters: Parameters, *data: jax.Array) -> model.Trained:
    """The right losses, and the parameters before training."""
    images, labels, order = data
    return model.train(parameters, images, labels, order)._replace(parameters=parameters)


def standing(state: model.Training, images: jax.Array, labels: jax.Array) -> model.Training:
    """Moves nothing."""
    return TRAIN_STEP(state, images, labels)._replace(parameters=state.parameters)


@pytest.fixture(autouse=True)
def _content_with_less(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "phase_is_right" not in request.node.name:
        monkeypatch.setattr(problems, "LEAST_ACCURACY", 0.8)


def refused(phase: str, function: Callable[..., Any] | None = None) -> None:
    """Traced anew: jit remembers what it traced by the function."""
    chosen = smaller(phase)
    problem = build(chosen)
    with pytest.raises(WrongNumbers):
        prepare(chosen, replace(problem, function=partial(function or problem.function)))


@pytest.mark.parametrize("phase", PHASES)
def test_the_phase_is_right(phase: str) -> None:
    chosen = case(phase)
    prepared = prepare(chosen, build(chosen))
    assert prepared.numerics_error <= chosen.tolerance
    assert prepared.program.warnings() == []
    accuracy = prepared.observe().get("accuracy", 1.0)
    assert isinstance(accuracy, float)
    assert accuracy > 0.96
    assert ("accuracy" in prepared.observe()) == (phase in ("train", "validate"))


def test_training_falls_far_and_fits_what_it_was_shown() -> None:
    losses = build(smaller("train")).reference()
    assert losses.shape == (4,)
    assert losses[-1] < 0.3 * losses[0]


def test_train_starts_anew_in_every_call() -> None:
    chosen = smaller("train")
    prepared = prepare(chosen, build(chosen))
    first, second = (np.array(prepared.call().losses) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("phase", ["forward", "backward", "train_step", "infer"])
@pytest.mark.usefixtures("hasty")
def test_a_missing_bias_is_refused(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(model, "affine", biasless)
    refused(phase)


@pytest.mark.parametrize("phase", ["forward", "backward", "train_step", "train", "infer"])
@pytest.mark.usefixtures("hasty")
def test_a_relu_that_leaks_is_refused(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(jax.nn, "relu", partial(jax.nn.leaky_relu, negative_slope=0.01))
    refused(phase)


@pytest.mark.parametrize("phase", ["forward", "backward", "infer"])
@pytest.mark.usefixtures("hasty")
def test_a_product_in_bf16_is_refused(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(model, "affine", narrow)
    refused(phase)


@pytest.mark.parametrize("phase", ["forward", "infer"])
@pytest.mark.usefixtures("hasty")
def test_a_softmax_over_the_batch_is_refused(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(jax.nn, "softmax", over_the_batch)
    refused(phase)


@pytest.mark.parametrize("wrong", [summed, shifted])
@pytest.mark.parametrize("phase", ["backward", "train_step", "train"])
@pytest.mark.usefixtures("hasty")
def test_a_wrong_loss_is_refused(
    monkeypatch: pytest.MonkeyPatch, phase: str, wrong: Callable[..., jax.Array]
) -> None:
    monkeypatch.setattr(model, "mean_loss", wrong)
    refused(phase)


@pytest.mark.usefixtures("hasty")
def test_gradients_that_are_not_averaged_are_refused() -> None:
    def unaveraged(*arguments: Any) -> Any:
        loss, gradients = model.backward(*arguments)
        return loss, jax.tree.map(lambda leaf: 32 * leaf, gradients)

    refused("backward", function=unaveraged)


@pytest.mark.parametrize("place", range(6))
def test_every_gradient_is_compared(place: int) -> None:
    def one_is_wrong(*arguments: Any) -> Any:
        loss, gradients = model.backward(*arguments)
        leaves, shape = jax.tree.flatten(gradients)
        worst = jnp.argmax(jnp.abs(leaves[place]))
        leaves[place] = leaves[place].ravel().at[worst].multiply(0.9).reshape(leaves[place].shape)
        return loss, jax.tree.unflatten(shape, leaves)

    refused("backward", function=one_is_wrong)


@pytest.mark.parametrize("phase", STEPPING)
@pytest.mark.usefixtures("hasty")
def test_adam_without_bias_correction_is_refused(
    monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    monkeypatch.setattr(optax, "adam", uncorrected)
    refused(phase)


@pytest.mark.parametrize("phase", STEPPING)
@pytest.mark.usefixtures("hasty")
def test_another_learning_rate_is_refused(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(model, "LEARNING_RATE", 1.1e-3)
    refused(phase)


@pytest.mark.usefixtures("hasty")
def test_a_step_that_moves_nothing_is_refused() -> None:
    refused("train_step", function=standing)


@pytest.mark.parametrize("wrong", [in_order, on_half, in_the_same_order, forgetful])
@pytest.mark.usefixtures("hasty")
def test_training_on_other_images_is_refused(wrong: Callable[..., model.Trained]) -> None:
    refused("train", function=wrong)


@pytest.mark.usefixtures("hasty")
def test_validation_of_untrained_parameters_is_refused() -> None:
    chosen = smaller("validate")
    problem = build(chosen)
    drawn = build(smaller("forward")).arguments[0]

    def untrained(_: Parameters, *data: jax.Array) -> Any:
        return model.validate(drawn, *data)

    with pytest.raises(WrongNumbers):
        prepare(chosen, replace(problem, function=untrained))


@pytest.mark.usefixtures("hasty")
def test_an_accuracy_below_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "LEAST_ACCURACY", 0.999)
    with pytest.raises(WrongNumbers, match=r"accuracy 0\.[89]\d\d on the held-out test set"):
        prepare(smaller("train"), build(smaller("train")))


@pytest.mark.usefixtures("hasty")
def test_the_gradients_agree_with_finite_differences() -> None:
    """Of a small model, in float64, at every parameter."""
    source = np.random.default_rng(0)
    widths = (6, 5, 4, 3)
    images, labels = source.standard_normal((7, 6)), source.integers(3, size=7, dtype=np.int32)
    with jax.enable_x64(True):
        parameters = tuple(
            Layer(
                jnp.asarray(source.standard_normal(shape)),
                jnp.asarray(source.standard_normal(shape[1])),
            )
            for shape in pairwise(widths)
        )
        theta, shaped = ravel_pytree(parameters)
        arguments = jnp.asarray(images), jnp.asarray(labels)
        gradient, _ = ravel_pytree(jax.jit(model.backward)(parameters, *arguments)[1])

        def slope(step: jax.Array) -> jax.Array:
            ends = (model.mean_loss(shaped(theta + end), *arguments) for end in (step, -step))
            return (next(ends) - next(ends)) / (2 * step.max())

        slopes = jax.jit(jax.vmap(slope))(1e-6 * jnp.eye(theta.size))
        assert np.asarray(gradient) == pytest.approx(np.asarray(slopes), abs=1e-8)


def test_the_digits_are_scikit_learn_s_and_split_without_overlap() -> None:
    theirs = load_digits()
    training, test = digits.load()
    assert (len(training.labels), len(test.labels)) == (1440, 357)
    ours = np.concatenate([training.images, test.images])
    expected = digits.scaled(theirs.images / 16).reshape(1797, 784).astype(np.float32)
    by_image = {
        image.tobytes(): label for image, label in zip(expected, theirs.target, strict=True)
    }
    assert {image.tobytes() for image in ours} == set(by_image)
    labels = np.concatenate([training.labels, test.labels])
    assert all(by_image[i.tobytes()] == label for i, label in zip(ours, labels, strict=True))
    assert np.bincount(test.labels).min() > 20


def test_the_split_is_the_same_every_time() -> None:
    assert np.array_equal(digits.load()[1].images, digits.load()[1].images)


def test_scaling_keeps_values_between_0_and_1_and_flat_images_flat() -> None:
    training, _ = digits.load()
    assert [float(x) for x in (training.images.min(), training.images.max())] == [0.0, 1.0]
    assert digits.scaled(np.full((1, 8, 8), 0.3)) == pytest.approx(np.full((1, 28, 28), 0.3))
    ramp = np.tile(np.arange(8.0), (1, 8, 1))
    across = digits.scaled(ramp)[0, 0]
    assert np.diff(across[2:-2]) == pytest.approx(np.full(23, 8 / 28))


def test_the_reference_s_first_steps_are_adam_s() -> None:
    """The first step moves each parameter by the rate, against its gradient's sign."""
    problem = build(smaller("train"))
    layers = problems.layers(problem.arguments[0])
    images, labels = exact(problem.arguments[1])[:32], np.asarray(problem.arguments[2])[:32]
    _, gradients = reference.gradients(layers, images, labels)
    _, moved = reference.train(layers, images, labels, np.arange(32, dtype=np.int32)[None])
    steps = (moved[2][1] - layers[2][1]) / np.sign(gradients[2][1])
    assert steps == pytest.approx(np.full(10, -1e-3), rel=1e-4)
