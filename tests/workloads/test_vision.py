"""Both models against their references, whole, in training, and with each part broken in turn."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.workloads.conftest import Small, build
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog.vision_sizes import MODELS, Convolution, ResNetSize, VitSize
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import Float64Array, exact, generator
from workloads.vision import cross_entropy, models, resnet, training, vit
from workloads.vision.curves import CURVES

TINY = ("resnet-tiny", "vit-tiny")
DTYPES = pytest.mark.parametrize("dtype", ["f32", "bf16"])
MODEL = pytest.mark.parametrize("model", TINY)

RESNET = ResNetSize(
    image=8, classes=3, stem=3, kind="basic", blocks=(1, 1), widths=(4, 8), groups=2, rate=0.01
)
IMAGENET = replace(RESNET, image=16, stem=7, kind="bottleneck")
VIT = VitSize(image=8, classes=3, patch=4, layers=1, d_model=8, heads=2, ffn=12, rate=0.01)
SIZES = pytest.mark.parametrize("size", [RESNET, IMAGENET, VIT], ids=["basic", "bottleneck", "vit"])

ORIGINAL_CONVOLUTION = resnet.convolution
ORIGINAL_GROUPNORM = resnet.groupnorm
ORIGINAL_LAYERNORM = vit.layernorm
ORIGINAL_PATCHES = vit.patches
ORIGINAL_MIX = vit.mix


def training_case(small: Small, model: str, dtype: str = "f32") -> Case:
    """The catalogue's tolerance for a loss, which `small` has for logits."""
    distinct = max(count for name, count in CURVES if name == model)
    case = small("vision", dtype, model=model, batch=distinct, distinct=distinct)
    return replace(
        case, phase="train_step", tolerance=find(f"vision/resnet50/train_step/{dtype}").tolerance
    )


# Logits


@DTYPES
@MODEL
def test_the_logits_are_right(small: Small, model: str, dtype: str) -> None:
    case = small("vision", dtype, model=model)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (1e-4 if dtype == "f32" else case.tolerance)
    assert prepared.call().dtype == jnp.float32


@SIZES
def test_the_logits_are_right_to_float64(size: ResNetSize | VitSize) -> None:
    chosen, weights, images, _ = in_float64(size)
    with jax.enable_x64(True):
        logits = np.asarray(jax.jit(chosen.forward)(weights, images))
    assert np.abs(logits - chosen.reference(weights, images)).max() < 1e-11


@MODEL
def test_copies_of_the_distinct_images_fill_the_batch(small: Small, model: str) -> None:
    case = small("vision", model=model, batch=6, distinct=2)
    logits = np.asarray(prepare(case, build(case)).call())
    assert len(np.unique(logits.round(3), axis=0)) == 2
    np.testing.assert_allclose(logits[4:], logits[:2], rtol=1e-4, atol=1e-4)


@SIZES
def test_an_image_s_logits_do_not_depend_on_the_others(size: ResNetSize | VitSize) -> None:
    chosen, weights, images, _ = in_float64(size)
    with jax.enable_x64(True):
        together, alone = chosen.forward(weights, images), chosen.forward(weights, images[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1e-12)


# Broken parts, in bf16, whose tolerance is the wider


def flipped(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return ORIGINAL_CONVOLUTION(x, kernel[::-1, ::-1], stride)


def padded_behind(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """As XLA's SAME pads: with a stride of 2, not alike on both sides."""
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def unstrided(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return ORIGINAL_CONVOLUTION(x, kernel, 1)


def without_norm_bias(x: jax.Array, scale: jax.Array, bias: jax.Array, groups: int) -> jax.Array:
    return ORIGINAL_GROUPNORM(x, scale, jnp.zeros_like(bias), groups)


def norm_of_all_channels(x: jax.Array, scale: jax.Array, bias: jax.Array, groups: int) -> jax.Array:
    return ORIGINAL_GROUPNORM(x, scale, bias, 1)


def without_shortcut(
    size: ResNetSize,
    block: resnet.Block,
    x: jax.Array,
    inner: tuple[Convolution, ...],
    shortcut: Convolution | None,
) -> jax.Array:
    for place, (weights, plan) in enumerate(zip(block.units, inner, strict=True)):
        x = resnet.unit(size, weights, x, plan.stride)
        x = jax.nn.relu(x) if place < len(inner) - 1 else x
    return jax.nn.relu(x)


def without_positions(weights: vit.Weights, values: jax.Array) -> jax.Array:
    x = values @ weights.embedding + weights.embedding_bias
    first = jnp.broadcast_to(weights.class_token, (x.shape[0], 1, x.shape[2]))
    return jnp.concatenate([first, x], axis=1)


def without_embedding_bias(weights: vit.Weights, values: jax.Array) -> jax.Array:
    x = values @ weights.embedding
    first = jnp.broadcast_to(weights.class_token, (x.shape[0], 1, x.shape[2]))
    return jnp.concatenate([first, x], axis=1) + weights.positions


def scaled_by_width(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """1 / K instead of its square root."""
    return ORIGINAL_MIX((q * q.shape[-1] ** -0.5).astype(q.dtype), k, v)


def unscaled_scores(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return ORIGINAL_MIX((q * q.shape[-1] ** 0.5).astype(q.dtype), k, v)


def patches_by_column(images: jax.Array, side: int) -> jax.Array:
    return ORIGINAL_PATCHES(images.swapaxes(1, 2), side)


def without_layernorm_bias(x: jax.Array, norm: vit.Norm) -> jax.Array:
    return ORIGINAL_LAYERNORM(x, norm._replace(bias=jnp.zeros_like(norm.bias)))


def ungelued(layer: vit.Layer, x: jax.Array) -> jax.Array:
    return (x @ layer.up + layer.up_bias) @ layer.down + layer.down_bias


def without_ffn_bias(layer: vit.Layer, x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x @ layer.up) @ layer.down + layer.down_bias


BROKEN = [
    (resnet, "convolution", flipped),
    (resnet, "convolution", padded_behind),
    (resnet, "convolution", unstrided),
    (resnet, "groupnorm", without_norm_bias),
    (resnet, "groupnorm", norm_of_all_channels),
    (resnet, "residual", without_shortcut),
    (vit, "embedded", without_positions),
    (vit, "embedded", without_embedding_bias),
    (vit, "mix", scaled_by_width),
    (vit, "mix", unscaled_scores),
    (vit, "patches", patches_by_column),
    (vit, "layernorm", without_layernorm_bias),
    (vit, "feed_forward", ungelued),
    (vit, "feed_forward", without_ffn_bias),
]


@pytest.mark.parametrize(
    ("module", "part", "wrong"), BROKEN, ids=[wrong.__name__ for _, _, wrong in BROKEN]
)
@pytest.mark.usefixtures("hasty")
def test_a_broken_part_is_refused(
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    part: str,
    wrong: Callable[..., Any],
) -> None:
    case = small("vision", "bf16", model="resnet-tiny" if module is resnet else "vit-tiny")
    problem = build(case)
    monkeypatch.setattr(module, part, wrong)
    with pytest.raises(WrongNumbers):
        prepare(case, problem)


@MODEL
@pytest.mark.usefixtures("hasty")
def test_a_missing_bias_of_the_classifier_is_refused(small: Small, model: str) -> None:
    case = small("vision", "bf16", model=model)
    problem = build(case)

    def without(weights: Any, images: jax.Array) -> Any:
        bias = jnp.zeros_like(weights.classifier_bias)
        return problem.function(weights._replace(classifier_bias=bias), images)

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=without))


@MODEL
@pytest.mark.usefixtures("hasty")
def test_a_scale_wrong_by_one_percent_is_refused(small: Small, model: str) -> None:
    case = small("vision", "bf16", model=model)
    problem = build(case)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=lambda *a: 1.01 * problem.function(*a)))


# Training


@MODEL
@DTYPES
def test_training_follows_the_known_curve(small: Small, model: str, dtype: str) -> None:
    case = training_case(small, model, dtype)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < (2e-5 if dtype == "f32" else case.tolerance)


LONG = pytest.mark.skipif(
    "JAXRIG_LONG_TESTS" not in os.environ, reason="minutes: set JAXRIG_LONG_TESTS to run it"
)


@pytest.mark.parametrize(
    ("model", "distinct"),
    [pytest.param(*key, marks=() if key[0] in TINY else LONG) for key in CURVES],
)
def test_the_known_curve_is_that_of_a_float64_run(small: Small, model: str, distinct: int) -> None:
    case = replace(
        small("vision", model=model, batch=distinct, distinct=distinct), phase="train_step"
    )
    problem = build(case)
    chosen, (images, labels) = models.find(model), problem.arguments
    weights = jax.tree.map(exact, problem.state.weights)
    first, *later = losses_in_float64(chosen, weights, exact(images), labels, problem.steps)
    assert first == pytest.approx(problem.reference()[0], rel=1e-11)
    assert later == pytest.approx(CURVES[model, distinct], rel=1e-9)
    assert later[-1] < first


def losses_in_float64(
    chosen: models.Model, weights: Any, images: Float64Array, labels: jax.Array, steps: int
) -> list[float]:
    found = []
    with jax.enable_x64(True):
        state = training.begin(chosen, jax.tree.map(jnp.asarray, weights))
        step = jax.jit(partial(training.step, chosen), donate_argnums=0)
        for _ in range(steps):
            state = step(state, jnp.asarray(images), labels)
            assert state.loss.dtype == jnp.float64
            found.append(float(state.loss))
    return found


@SIZES
@pytest.mark.usefixtures("hasty")
def test_gradients_agree_with_finite_differences(size: ResNetSize | VitSize) -> None:
    """Along a random direction of every array of weights, in float64."""
    chosen, weights, images, labels = in_float64(size)
    source = np.random.default_rng(5)
    leaves, shape = jax.tree.flatten(weights)
    with jax.enable_x64(True):
        loss = jax.jit(
            lambda leaves: training.loss(chosen, jax.tree.unflatten(shape, leaves), images, labels)
        )
        gradients = jax.jit(jax.grad(loss))(leaves)
        for place, (leaf, gradient) in enumerate(zip(leaves, gradients, strict=True)):
            way = 1e-6 * source.standard_normal(leaf.shape)
            ahead, behind = (
                [*leaves[:place], leaf + sign * way, *leaves[place + 1 :]] for sign in (1, -1)
            )
            difference = float(loss(ahead) - loss(behind)) / 2
            expected = float((gradient * way).sum())
            assert difference == pytest.approx(expected, rel=1e-4, abs=1e-13), place


def in_float64(size: ResNetSize | VitSize) -> tuple[models.Model, Any, Any, Any]:
    """(model, weights, three images, their labels) at a size of its own."""
    chosen = models.of(size)
    source = np.random.default_rng(3)
    weights = jax.tree.map(exact, chosen.draw("f32", source))
    images = source.standard_normal((3, size.image, size.image, 3))
    return chosen, weights, images, source.integers(size.classes, size=3, dtype=np.int32)


@SIZES
def test_the_loss_is_the_reference_s(size: ResNetSize | VitSize) -> None:
    chosen, weights, images, labels = in_float64(size)
    with jax.enable_x64(True):
        loss = float(training.loss(chosen, weights, images, labels))
    wanted = cross_entropy(chosen.reference(weights, images), labels)
    assert loss == pytest.approx(wanted, rel=1e-12)


@MODEL
@pytest.mark.parametrize("factor", [0.0, 0.8, 1.25])
@pytest.mark.usefixtures("hasty")
def test_a_wrong_learning_rate_is_refused(small: Small, model: str, factor: float) -> None:
    case = training_case(small, model, "bf16")
    size = MODELS[model]
    wrong = models.of(replace(size, rate=factor * size.rate))
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=partial(training.step, wrong)))


@pytest.mark.usefixtures("hasty")
def test_a_missing_momentum_is_refused(small: Small) -> None:
    case = training_case(small, "resnet-tiny", "bf16")
    right = models.find("resnet-tiny")
    wrong = replace(right, optimiser=optax.sgd(MODELS["resnet-tiny"].rate, momentum=0.0))
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=partial(training.step, wrong)))


@pytest.mark.usefixtures("hasty")
def test_moments_without_bias_correction_are_refused(small: Small) -> None:
    case = training_case(small, "vit-tiny", "bf16")
    problem = build(case)

    def late(state: training.State, images: jax.Array, labels: jax.Array) -> Any:
        count = state.moments[0].count + 100
        moments = (state.moments[0]._replace(count=count), *state.moments[1:])
        after = problem.function(state._replace(moments=moments), images, labels)
        count = after.moments[0].count - 100
        return after._replace(moments=(after.moments[0]._replace(count=count), *after.moments[1:]))

    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=late))


@MODEL
@pytest.mark.usefixtures("hasty")
def test_training_on_wrong_labels_is_refused(small: Small, model: str) -> None:
    case = training_case(small, model)
    problem = build(case)
    images, labels = problem.arguments
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, arguments=(images, jnp.roll(labels, 1))))


@MODEL
def test_draws_do_not_depend_on_phase_and_dtype(small: Small, model: str) -> None:
    forward = build(small("vision", model=model, batch=8, distinct=8)).arguments
    train = build(training_case(small, model, "bf16"))
    assert (exact(forward[1]) == exact(train.arguments[0])).all()
    chosen = jax.tree.leaves(models.find(model).draw("f32", generator(small("vision"))))
    assert len(chosen) == len(jax.tree.leaves(forward[0]))
