"""Each phase of the model as a problem.

`forward`, `backward`, `train_step` and `infer` start from drawn parameters; `train` does so in
every call. `validate` looks at parameters that `train` has made before, untimed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from workloads import numerics
from workloads.case import Case
from workloads.mlp import digits, model, reference
from workloads.mlp.digits import Digits
from workloads.mlp.model import Layer, Parameters
from workloads.problem import Observations, Problem, exact, generator, normal, on_device

BIAS_SCALE = 0.1
"""Biases are not zero, so that a missing one is seen."""

CHECKED_STEPS = 20
"""Steps of `train_step` that are compared, all on one batch."""

LEAST_ACCURACY = 0.95


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every phase starts from; `order` (epochs, steps, batch) indexes the training set."""

    case: Case
    parameters: Parameters
    training: Digits
    test: Digits
    order: np.ndarray[Any, np.dtype[np.int32]]


def build(case: Case) -> Problem:
    """Parameters: inputs, hidden1, hidden2, classes, batch, epochs."""
    source = generator(case)
    training, test = digits.load()
    parameters = draw(case, source)
    steps, batch = len(training.labels) // case.integer("batch"), case.integer("batch")
    shuffled = [
        source.permutation(len(training.labels))[: steps * batch].reshape(steps, batch)
        for _ in range(case.integer("epochs"))
    ]
    order = np.stack(shuffled).astype(np.int32)
    return PHASES[case.phase](
        Setting(case=case, parameters=parameters, training=training, test=test, order=order)
    )


def draw(case: Case, source: np.random.Generator) -> Parameters:
    """Weights N(0, 2 / inputs), which keep their size through relu (He et al. 2015)."""
    widths = [case.integer(name) for name in ("inputs", "hidden1", "hidden2", "classes")]
    return tuple(
        Layer(
            weights=normal(source, (inputs, outputs), case.dtype, scale=(2 / inputs) ** 0.5),
            bias=normal(source, (outputs,), case.dtype, scale=BIAS_SCALE),
        )
        for inputs, outputs in pairwise(widths)
    )


def layers(parameters: Parameters) -> reference.Layers:
    """The same parameters for the reference."""
    return [(exact(layer.weights), exact(layer.bias)) for layer in parameters]


def forward(setting: Setting) -> Problem:
    batch = _first_batch(setting)
    return Problem(
        function=model.forward,
        arguments=(setting.parameters, on_device(batch.images)),
        reference=lambda: reference.probabilities(layers(setting.parameters), _wide(batch)),
    )


def backward(setting: Setting) -> Problem:
    batch = _first_batch(setting)

    def expected() -> tuple[np.ndarray[Any, Any], reference.Layers]:
        wide = layers(setting.parameters)
        loss, gradients = reference.gradients(wide, _wide(batch), batch.labels)
        return np.asarray(loss), gradients

    return Problem(
        function=model.backward,
        arguments=(setting.parameters, *_on_device(batch)),
        reference=expected,
    )


def train_step(setting: Setting) -> Problem:
    batch, began = _first_batch(setting), layers(setting.parameters)
    again = np.tile(np.arange(len(batch.labels), dtype=np.int32), (CHECKED_STEPS, 1))
    return Problem(
        function=model.train_step,
        arguments=_on_device(batch),
        state=model.start(setting.parameters),
        checked=lambda state: state.loss,
        steps=CHECKED_STEPS,
        falls=True,
        reference=lambda: reference.train(began, _wide(batch), batch.labels, again)[0],
    )


def train(setting: Setting) -> Problem:
    training = setting.training

    def expected() -> np.ndarray[Any, Any]:
        wide, steps = layers(setting.parameters), np.concatenate(setting.order)
        losses, _ = reference.train(wide, _wide(training), training.labels, steps)
        epochs: np.ndarray[Any, Any] = losses.reshape(setting.order.shape[:2]).mean(axis=1)
        return epochs

    def observe(trained: model.Trained) -> Observations:
        numerics.check_falls(setting.case, np.asarray(trained.losses))
        return _accuracy(setting, trained.parameters)

    return Problem(
        function=model.train,
        arguments=(setting.parameters, *_on_device(training), on_device(setting.order)),
        checked=lambda trained: trained.losses,
        reference=expected,
        observe=observe,
    )


def validate(setting: Setting) -> Problem:
    training, test = setting.training, setting.test
    arguments = (*_on_device(training), on_device(setting.order))
    parameters = jax.jit(model.train)(setting.parameters, *arguments).parameters

    def expected() -> tuple[np.ndarray[Any, Any], ...]:
        found = layers(parameters), _wide(test), test.labels
        return np.asarray(reference.loss(*found)), np.asarray(reference.accuracy(*found))

    return Problem(
        function=model.validate,
        arguments=(parameters, *_on_device(test)),
        reference=expected,
        observe=lambda _: _accuracy(setting, parameters),
    )


def infer(setting: Setting) -> Problem:
    one = Digits(images=setting.test.images[:1], labels=setting.test.labels[:1])
    classes = setting.case.integer("classes")

    def expected() -> tuple[np.ndarray[Any, Any], ...]:
        likely = reference.probabilities(layers(setting.parameters), _wide(one))
        return np.eye(classes)[likely.argmax(axis=1)], likely

    return Problem(
        function=model.infer,
        arguments=(setting.parameters, on_device(one.images)),
        # One of ten as a row of its own: how far a class is off is not a matter of its number.
        checked=lambda said: (np.eye(classes)[np.asarray(said.label)], said.probabilities),
        reference=expected,
    )


PHASES: dict[str, Callable[[Setting], Problem]] = {
    "forward": forward,
    "backward": backward,
    "train_step": train_step,
    "train": train,
    "validate": validate,
    "infer": infer,
}


def _first_batch(setting: Setting) -> Digits:
    rows = setting.order[0, 0]
    return Digits(images=setting.training.images[rows], labels=setting.training.labels[rows])


def _on_device(some: Digits) -> tuple[jax.Array, jax.Array]:
    return on_device(some.images), on_device(some.labels)


def _wide(some: Digits) -> np.ndarray[Any, np.dtype[np.float64]]:
    return some.images.astype(np.float64)


def _accuracy(setting: Setting, parameters: Parameters) -> Observations:
    """On the held-out test set. Raises `WrongNumbers` below LEAST_ACCURACY."""
    test = setting.test
    share = reference.accuracy(layers(parameters), _wide(test), test.labels)
    if share < LEAST_ACCURACY:
        raise numerics.WrongNumbers(
            f"{setting.case.id}: accuracy {share:.3f} on the held-out test set, below "
            f"{LEAST_ACCURACY}; not timed"
        )
    return {"accuracy": share}
