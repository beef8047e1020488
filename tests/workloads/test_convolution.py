"""Convolutions and both of their gradients, right, and with each broken in turn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import build
from workloads.case import Case
from workloads.catalog import convolution, find
from workloads.catalog.vision_sizes import Convolution
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare

SHAPES = {
    "plain": {"size": 8, "kernel": 3, "stride": 1, "inputs": 5, "outputs": 6, "batch": 2},
    "strided": {"size": 9, "kernel": 3, "stride": 2, "inputs": 3, "outputs": 4, "batch": 2},
    "pointwise": {"size": 6, "kernel": 1, "stride": 1, "inputs": 7, "outputs": 3, "batch": 1},
    "wide": {"size": 14, "kernel": 7, "stride": 2, "inputs": 3, "outputs": 4, "batch": 1},
}


def small(phase: str, shape: str = "plain", dtype: str = "f32") -> Case:
    case = find(f"convolution/8x32x32x16-3x3s1-16/{phase}/f32")
    return replace(
        case,
        id=f"convolution/{shape}/{phase}/{dtype}",
        dtype=dtype,
        tolerance=convolution.TOLERANCES[dtype],
        parameters=SHAPES[shape],
    )


@pytest.mark.parametrize("phase", convolution.PHASES)
@pytest.mark.parametrize("shape", list(SHAPES))
def test_each_is_right(phase: str, shape: str) -> None:
    case = small(phase, shape)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < 1e-4


@pytest.mark.parametrize("phase", convolution.PHASES)
def test_so_it_is_in_bf16(phase: str) -> None:
    case = small(phase, dtype="bf16")
    assert prepare(case, build(case)).numerics_error < case.tolerance


def test_gradients_are_those_that_jax_takes() -> None:
    x, kernel = (
        jax.random.normal(jax.random.key(seed), shape)
        for seed, shape in enumerate([(2, 8, 8, 5), (3, 3, 5, 6)])
    )
    case = small("input-gradient")
    problem = build(case)
    kernel, cotangent = problem.arguments

    def total(x: jax.Array) -> jax.Array:
        forward = build(small("forward")).function
        weighted: jax.Array = (forward(x, kernel) * cotangent).sum()
        return weighted

    assert jnp.allclose(problem.function(kernel, cotangent), jax.grad(total)(x), atol=1e-4)


MUTANTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "shifted by a pixel": ("forward", lambda y: jnp.roll(y, 1, axis=1)),
    "off by a percent": ("forward", lambda y: 1.01 * y),
    "channels swapped": ("input-gradient", lambda y: y[..., ::-1]),
    "kernel turned": ("weight-gradient", lambda y: y[::-1, ::-1]),
    "one element left out": ("weight-gradient", lambda y: y.at[0, 0, 0, 0].set(0)),
}


@pytest.mark.parametrize("name", list(MUTANTS))
def test_broken_arithmetic_is_refused(name: str) -> None:
    phase, broken = MUTANTS[name]
    case = small(phase)
    problem = build(case)
    with pytest.raises(WrongNumbers):
        prepare(case, replace(problem, function=lambda *each: broken(problem.function(*each))))


def test_costs_by_hand() -> None:
    shape = Convolution(size=4, kernel=1, stride=1, inputs=3, outputs=5)
    counted = convolution.cost(shape, batch=2, itemsize=4)
    assert counted.flops == 2 * 2 * 16 * 3 * 5
    assert counted.bytes == 4 * (2 * 16 * 3 + 3 * 5 + 2 * 16 * 5)


def test_padding_costs_nothing() -> None:
    shape = Convolution(size=3, kernel=3, stride=1, inputs=1, outputs=1)
    # Of nine taps a corner has four inside, an edge six, the middle all.
    assert convolution.cost(shape, batch=1, itemsize=4).flops == 2 * (4 * 4 + 4 * 6 + 9)
