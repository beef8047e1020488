"""Image classifiers, forward and in training: a ResNet and a Vision Transformer.

A large batch holds a few images over and over: as images do not depend on each other (there is
no batch normalisation), all its logits and its loss are checked at the cost of those few. A
pixel has 8 significant bits, as in a photograph: bf16 and f32 get equal images.
"""

from dataclasses import replace
from functools import partial
from typing import TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.catalog.vision_sizes import MODELS
from workloads.problem import DTYPES, Float64Array, Problem, generator, normal, on_device
from workloads.vision import training
from workloads.vision.curves import CURVES
from workloads.vision.models import find

__all__ = ["build"]

T = TypeVar("T", bound=np.generic)


def build(case: Case) -> Problem:
    """Parameters: model (a key of MODELS), batch, distinct (images; the others are copies)."""
    return _train_step(case) if case.phase == "train_step" else _forward(case)


def _forward(case: Case) -> Problem:
    """Logits; weights and images in the case's dtype."""
    chosen, source = find(_model_name(case)), _source(case)
    images = _images(case, source)
    weights = chosen.draw(case.dtype, source)

    def reference() -> Float64Array:
        return _tiled(case, chosen.reference(weights, images))

    return Problem(
        function=chosen.forward,
        arguments=(weights, on_device(_tiled(case, np.asarray(images)))),
        reference=reference,
    )


def _train_step(case: Case) -> Problem:
    """Steps from f32 weights along the known curve, whose first loss is computed anew, in NumPy."""
    chosen, source = find(_model_name(case)), _source(case)
    images = _images(case, source)
    labels = source.integers(MODELS[_model_name(case)].classes, size=len(images), dtype=np.int32)
    weights = chosen.draw("f32", source)
    first = cross_entropy(chosen.reference(weights, images), labels)  # a step writes over weights
    later = CURVES[_model_name(case), len(images)]
    return Problem(
        function=partial(training.step, chosen),
        state=training.begin(chosen, weights),
        arguments=(
            on_device(_tiled(case, np.asarray(images))),
            on_device(_tiled(case, labels)),
        ),
        reference=lambda: np.array([first, *later]),
        checked=lambda state: state.loss,
        steps=1 + len(later),
        falls=True,
    )


def cross_entropy(logits: Float64Array, labels: NDArray[np.int32]) -> float:
    """Mean of log(sum(exp(logits))) - logits[label]: logits (B, classes), labels (B,)."""
    chosen = logits[np.arange(len(labels)), labels]
    return float((np.log(np.exp(logits).sum(axis=1)) - chosen).mean())


def _model_name(case: Case) -> str:
    return str(case.parameters["model"])


def _source(case: Case) -> np.random.Generator:
    """Every case of a model draws equal numbers: one curve serves all of its training cases."""
    return generator(replace(case, id=f"vision/{_model_name(case)}"))


def _images(case: Case, source: np.random.Generator) -> jax.Array:
    """The distinct ones, (distinct, rows, columns, 3)."""
    side = MODELS[_model_name(case)].image
    shape = case.integer("distinct"), side, side, 3
    return normal(source, shape, "bf16").astype(DTYPES[case.dtype])


def _tiled(case: Case, few: NDArray[T]) -> NDArray[T]:
    """`few`, one a distinct image, over and over until there is one an image of the batch."""
    return np.tile(few, (case.integer("batch") // len(few), *(1,) * (few.ndim - 1)))
