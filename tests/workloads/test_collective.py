"""Collectives and training over devices in a row, in a process that has several.

The devices of a process are fixed before JAX is loaded: `test_with_forced_devices` runs this
file again in a process with DEVICES of them, where everything else in it is skipped here.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import enable_x64

from tests.workloads.conftest import build
from workloads import collective, data_parallel
from workloads.case import Case
from workloads.catalog import find
from workloads.catalog.collective import cost, train_cost
from workloads.data_parallel import State, Weights
from workloads.devices import AXIS, IN_PARTS, in_a_row
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import Problem, exact

DEVICES = 4
ROOT = Path(__file__).parents[2]
PARTS = list(collective.PARTS)


@pytest.fixture
def forced() -> None:
    if jax.device_count() < DEVICES:
        pytest.skip("run by test_with_forced_devices")


def test_with_forced_devices() -> None:
    if jax.device_count() >= DEVICES:
        pytest.skip("this is that process")
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def tiny(name: str, devices: int = DEVICES) -> Case:
    case = find(f"collective/{name}/16MiB-x2/f32")
    return replace(case, devices=devices, parameters={**case.parameters, "elements": 64 * devices})


def tiny_training(devices: int = DEVICES) -> Case:
    case = find("collective/data-parallel/mlp-x2/train_step/f32")
    shape = {"batch": 16, "inputs": 24, "hidden": 32, "classes": 5}
    return replace(case, devices=devices, parameters={**case.parameters, **shape})


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("devices", [1, 2, 4])
def test_every_device_has_the_right_part_in_place(name: str, devices: int) -> None:
    case = tiny(name, devices)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < 1e-6
    assert prepared.program.alias_bytes == prepared.program.output_bytes
    prepared.round(3)
    assert len(prepared.carry.sharding.device_set) == devices
    assert prepared.observe() == {"topology_only": 1}
    assert "no real link" in prepared.warnings()[0]


def first_left_out(part: collective.Part) -> collective.Part:
    return lambda x: part(jnp.where(jax.lax.axis_index(AXIS) == 0, 0, x))


def off_by_one(part: collective.Part) -> collective.Part:
    return lambda x: jnp.roll(part(x), 1, axis=-1)


def scaled(part: collective.Part) -> collective.Part:
    return lambda x: 1.01 * part(x)


def wrong_on_the_last(part: collective.Part) -> collective.Part:
    return lambda x: jnp.where(jax.lax.axis_index(AXIS) == DEVICES - 1, -1, 1) * part(x)


def only_the_last_heard(part: collective.Part) -> collective.Part:
    return lambda x: part(jnp.where(jax.lax.axis_index(AXIS) == DEVICES - 1, x, 0))


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    "wrong", [first_left_out, off_by_one, scaled, wrong_on_the_last, only_the_last_heard]
)
def test_a_broken_collective_is_refused(
    name: str, wrong: Callable[[collective.Part], collective.Part]
) -> None:
    case = tiny(name)
    mutant = jax.shard_map(
        wrong(collective.PARTS[name]),
        mesh=in_a_row(DEVICES),
        in_specs=IN_PARTS,
        out_specs=IN_PARTS,
    )
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=mutant))


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("devices", [1, 4])
def test_training_follows_the_known_losses_and_tells_how_it_scales(devices: int) -> None:
    case = tiny_training(devices)
    prepared = prepare(case, build(case))
    assert prepared.numerics_error < 1e-5
    found = prepared.observe()
    assert found["topology_only"] == 1
    efficiency = found["scaling_efficiency"]
    assert isinstance(efficiency, float)
    assert 0 < efficiency < 2
    prepared.round(2)


@pytest.mark.usefixtures("forced")
def test_the_gradients_are_reduced_over_the_devices() -> None:
    case = tiny_training()
    assert "all-reduce" in (prepare(case, build(case)).executable.as_text() or "")


def of_the_first_device(state: State, x: jax.Array, labels: jax.Array) -> State:
    """The loss of the whole batch, but the gradients of one device's share."""
    value = data_parallel.loss(state[0], x, labels)
    share = len(x) // DEVICES
    return data_parallel.step(state, x[:share], labels[:share])[0], value


def without_the_last(state: State, x: jax.Array, labels: jax.Array) -> State:
    value = data_parallel.loss(state[0], x, labels)
    kept = len(x) - len(x) // DEVICES
    return data_parallel.step(state, x[:kept], labels[:kept])[0], value


def summed(state: State, x: jax.Array, labels: jax.Array) -> State:
    """Gradients of all devices added up, not averaged."""
    weights, value = data_parallel.step(state, x, labels)
    return jax.tree.map(lambda new, old: old + DEVICES * (new - old), weights, state[0]), value


def without_a_bias(state: State, x: jax.Array, labels: jax.Array) -> State:
    weights, value = data_parallel.step(state, x, labels)
    return weights._replace(b2=state[0].b2), value


def without_the_hidden_bias(state: State, x: jax.Array, labels: jax.Array) -> State:
    weights, value = data_parallel.step(state, x, labels)
    return weights._replace(b1=state[0].b1), value


def still(state: State, x: jax.Array, labels: jax.Array) -> State:
    return state[0], data_parallel.loss(state[0], x, labels)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize(
    "wrong", [of_the_first_device, without_the_last, summed, without_a_bias, still]
)
def test_a_broken_training_step_is_refused(wrong: Callable[..., State]) -> None:
    case = tiny_training()
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=wrong))


@pytest.mark.usefixtures("forced")
def test_without_rounding_of_inputs_every_bias_is_seen_to_be_learnt() -> None:
    case = replace(tiny_training(), tolerance=1e-5)
    prepare(case, build(case))
    with pytest.raises(WrongNumbers):
        prepare(case, replace(build(case), function=without_the_hidden_bias))


def test_gradients_agree_with_finite_differences() -> None:
    case = tiny_training(devices=1)
    weights, x, labels = data_parallel.draw(case)
    with enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(exact(leaf)), weights)
        x = jnp.asarray(exact(x))
        value = jax.jit(lambda w: data_parallel.loss(w, x, labels))
        gradient = jax.grad(value)(wide)
        for place, direction in enumerate(Weights._fields):
            found = np.asarray(gradient[place])
            index = np.unravel_index(np.abs(found).argmax(), found.shape)
            high, low = (
                wide._replace(**{direction: wide[place].at[index].add(by)}) for by in (1e-5, -1e-5)
            )
            slope = (value(high) - value(low)) / 2e-5
            assert float(slope) == pytest.approx(float(found[index]), rel=1e-6)


def test_a_ring_moves_what_nccl_counts() -> None:
    """Four devices, eight elements of four bytes."""
    links = {name: cost(name, devices=4, elements=8, itemsize=4).link_bytes for name in PARTS}
    assert links == {"all-reduce": 48, "all-gather": 24, "reduce-scatter": 24, "permute": 32}


def test_costs_by_hand() -> None:
    reduced = cost("all-reduce", devices=4, elements=8, itemsize=4)
    assert (reduced.flops, reduced.bytes) == (3 * 8, 4 * 4 * (8 + 8))
    assert cost("all-gather", devices=4, elements=8, itemsize=4).bytes == 4 * 4 * (2 + 8)
    assert cost("reduce-scatter", devices=4, elements=8, itemsize=4).bytes == 4 * 4 * (8 + 2)
    assert cost("permute", devices=4, elements=8, itemsize=4).flops == 0


def test_a_training_step_by_hand() -> None:
    """Two devices of one sample each; 3 inputs, 2 hidden, 5 classes: 23 parameters."""
    counted = train_cost(devices=2, batch=1, inputs=3, hidden=2, classes=5, itemsize=4)
    forward = 2 * (3 * 2 + 2 * 5) + (2 + 2) + (5 + 5 * 5)
    backward = 5 + 2 * (3 * 2 + 2 * 5) + 2 * 2 * 5 + 2 + (2 + 5)
    assert counted.flops == 2 * (forward + backward) + 2 * 23
    assert counted.bytes == 4 * (2 * 2 * 23 + 2 * 3) + 4 * 2
    assert counted.link_bytes == 4 * 24


@pytest.mark.usefixtures("forced")
def test_xla_counts_about_as_much_for_one_device() -> None:
    case = replace(tiny_training(devices=1))
    shape = {name: case.integer(name) for name in ("batch", "inputs", "hidden", "classes")}
    counted = train_cost(devices=1, itemsize=4, **shape)
    problem: Problem = build(case)
    assert prepare(case, problem).program.xla_flops == pytest.approx(counted.flops, rel=0.1)
