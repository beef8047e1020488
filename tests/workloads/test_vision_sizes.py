"""Sizes against published counts and counts by hand; costs against XLA's."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from tests.workloads.conftest import Small, build
from workloads.case import Case
from workloads.catalog import vision
from workloads.catalog.vision_sizes import MODELS, Convolution, ResNetSize, VitSize, taps
from workloads.prepare import prepare
from workloads.vision import models

VIT = VitSize(image=4, classes=3, patch=2, layers=1, d_model=6, heads=2, ffn=5, rate=0.0)
RESNET = ResNetSize(
    image=4, classes=3, stem=3, kind="basic", blocks=(1, 1), widths=(2, 4), groups=2, rate=0.0
)


@pytest.mark.parametrize(
    ("model", "published"),
    # As torchvision counts its resnet50 and vit_b_16, and timm its vit_small_patch16_224.
    [("resnet50", 25_557_032), ("vit-b16", 86_567_656), ("vit-s16", 22_050_664)],
)
def test_parameters_are_the_published_ones(model: str, published: int) -> None:
    assert MODELS[model].parameters == published


@pytest.mark.parametrize("size", [RESNET, VIT, MODELS["resnet-tiny"], MODELS["vit-tiny"]])
def test_parameters_are_those_that_are_drawn(size: ResNetSize | VitSize) -> None:
    weights = models.of(size).draw("f32", np.random.default_rng(1))
    assert sum(leaf.size for leaf in jax.tree.leaves(weights)) == size.parameters


def test_products_are_the_published_ones_but_for_padding() -> None:
    """torchvision has 4.09e9 multiply-adds for resnet50 and 17.56e9 for vit_b_16."""
    size = MODELS["resnet50"]
    assert isinstance(size, ResNetSize)
    padded = sum(c.elements * c.kernel**2 * c.inputs for c in size.convolutions())
    assert padded + 2048 * 1000 == pytest.approx(4.09e9, rel=1e-3)
    assert 0.95 * padded < vision.products(size) < padded
    assert vision.products(MODELS["vit-b16"]) == pytest.approx(17.56e9, rel=2e-2)


def test_taps_on_padding_do_not_count() -> None:
    assert taps(4, 3, 1) == 2 + 3 + 3 + 2
    assert taps(4, 3, 2) == 2 + 3
    assert taps(4, 1, 2) == 2
    assert taps(8, 7, 2) == 4 + 6 + 7 + 5


def test_a_convolution_halves_an_image() -> None:
    plan = Convolution(size=7, kernel=3, stride=2, inputs=2, outputs=5)
    assert (plan.outputs_size, plan.weights, plan.elements) == (4, 9 * 10, 80)
    assert plan.products == taps(7, 3, 2) ** 2 * 10


def test_the_resnet_by_hand() -> None:
    """4x4 pixels: a stem, a block of 2 channels, a block of 4 at 2x2 with a shortcut."""
    stem, inside = 100 * 3 * 2, 2 * 100 * 2 * 2
    halving, small, shortcut = 25 * 2 * 4, 16 * 4 * 4, 4 * 2 * 4
    products = stem + inside + halving + small + shortcut + 4 * 3
    assert vision.products(RESNET) == products
    assert vision.first_products(RESNET) == stem
    normed = 3 * 16 * 2 + 3 * 4 * 4
    elementwise = 7 * normed + (normed - 16) + (32 + 16) + 16 + 3
    assert vision.elementwise_flops(RESNET) == elementwise
    weights = 27 * 2 + 2 * 9 * 4 + 9 * 8 + 9 * 16 + 8 + 2 * (3 * 2 + 3 * 4) + 4 * 3 + 3
    forward = vision.forward_cost(RESNET, batch=2, itemsize=2)
    assert forward.flops == 2 * (2 * products + elementwise)
    assert forward.bytes == 2 * (weights + 2 * 48) + 4 * 2 * 3
    train = vision.train_step_cost(RESNET, batch=2, itemsize=2)
    image = 3 * (2 * products + elementwise + 5 * 3) - 2 * stem
    assert train.flops == 2 * image + 4 * weights
    assert train.bytes == 4 * 4 * weights + 2 * 2 * 48 + 4 * 2


def test_the_vit_by_hand() -> None:
    """Four patches of 12 values and the class token, width 6, two heads."""
    matrices = 4 * 36 + 2 * 30
    products = 4 * 12 * 6 + 5 * matrices + 2 * 25 * 6 + 6 * 3
    assert vision.products(VIT) == products
    token = 2 * 7 * 6 + (5 * 6 + 5) + 9 * 5 + 2 * 6
    elementwise = 4 * 6 + 5 * 6 + 5 * token + 6 * 2 * 25 + 7 * 6 + 3
    assert vision.elementwise_flops(VIT) == elementwise
    weights = 13 * 6 + 6 + 5 * 6 + matrices + 35 + 4 * 6 + 2 * 6 + 7 * 3
    train = vision.train_step_cost(VIT, batch=1, itemsize=4)
    image = 3 * (2 * products + elementwise + 5 * 3) - 2 * 4 * 12 * 6
    assert train.flops == image + 16 * weights
    assert train.bytes == 6 * 4 * weights + 4 * 48 + 4


@pytest.mark.parametrize("model", ["resnet-tiny", "vit-tiny"])
@pytest.mark.parametrize("phase", ["forward", "train_step"])
def test_xla_counts_about_the_same_operations(small: Small, model: str, phase: str) -> None:
    case: Case = small("vision", model=model, batch=8, distinct=8)
    case = replace(case, phase=phase)
    cost = {"forward": vision.forward_cost, "train_step": vision.train_step_cost}[phase]
    counted = cost(MODELS[model], batch=8, itemsize=4).flops
    assert prepare(case, build(case)).program.xla_flops == pytest.approx(counted, rel=0.1)
