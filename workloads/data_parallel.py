"""A training step in data parallel: every device has all weights and a share of the batch.

y = relu(x W1 + b1) W2 + b2, softmax cross-entropy, gradient descent. The program is that of one
device; XLA sees that the batch is spread and adds the all-reduce of the gradients.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from workloads.case import Case
from workloads.catalog.collective import STEPS
from workloads.devices import everywhere, in_a_row, spread, topology, topology_warning
from workloads.problem import Float64Array, Observations, Problem, exact, generator, normal

RATE = 0.5
"""Of learning: so large that eight steps change much."""

SCALING_CALLS = 15
"""Steps timed on one device and on all, in turns."""


class Weights(NamedTuple):
    """All parameters, (inputs, outputs) and (outputs,) of each layer."""

    w1: Any
    b1: Any
    w2: Any
    b2: Any


State = tuple[Weights, jax.Array]
"""The weights, and the loss before the step that led to them."""


def loss(weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy of x (B, inputs), against labels (B,)."""
    hidden = jax.nn.relu(x @ weights.w1 + weights.b1)
    scores = jax.nn.log_softmax(hidden @ weights.w2 + weights.b2)
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()


def step(state: State, x: jax.Array, labels: jax.Array) -> State:
    """One step down the gradient."""
    weights, _ = state
    value, gradient = jax.value_and_grad(loss)(weights, x, labels)
    return jax.tree.map(lambda w, g: w - RATE * g, weights, gradient), value


def build(case: Case) -> Problem:
    """Parameters: batch (a device), inputs, hidden, classes."""
    weights, x, labels = draw(case)
    start = jax.tree.map(exact, weights)
    mesh = in_a_row(case.devices)
    state, arguments = place(mesh, weights, x, labels)
    return Problem(
        function=step,
        state=state,
        arguments=arguments,
        reference=lambda: reference(start, exact(x), np.asarray(labels)),
        checked=lambda state: state[1],
        steps=STEPS,
        falls=True,
        sharding=everywhere(mesh),
        observe=lambda _: {**topology(), **scaling(case, weights, x, labels)},
        warnings=topology_warning,
    )


def draw(case: Case) -> tuple[Weights, jax.Array, jax.Array]:
    """Random weights, inputs, and labels (which a network of this size can learn by heart)."""
    source = generator(case)
    inputs, hidden, classes = (case.integer(name) for name in ("inputs", "hidden", "classes"))
    samples = case.devices * case.integer("batch")
    weights = Weights(
        w1=normal(source, (inputs, hidden), case.dtype, scale=inputs**-0.5),
        b1=normal(source, (hidden,), case.dtype, scale=0.1),
        w2=normal(source, (hidden, classes), case.dtype, scale=hidden**-0.5),
        b2=normal(source, (classes,), case.dtype, scale=0.1),
    )
    x = normal(source, (samples, inputs), case.dtype)
    return weights, x, jnp.array(source.integers(classes, size=samples, dtype=np.int32))


def place(
    mesh: Mesh, weights: Weights, x: jax.Array, labels: jax.Array
) -> tuple[State, tuple[jax.Array, jax.Array]]:
    """The weights on every device of `mesh`, in memory of their own; the batch spread over it."""
    copied = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), weights)
    state = jax.device_put((copied, jnp.zeros(())), everywhere(mesh))
    return state, tuple(jax.device_put((x, labels), spread(mesh)))


def scaling(case: Case, weights: Weights, x: jax.Array, labels: jax.Array) -> Observations:
    """`scaling_efficiency`: the time of one device with its share of the batch, over that of
    all devices with all of it. 1 is perfect: weak scaling."""
    batch = case.integer("batch")
    one = Runner(in_a_row(1), weights, x[:batch], labels[:batch])
    every = Runner(in_a_row(case.devices), weights, x, labels)
    took = [(one.step_s(), every.step_s()) for _ in range(SCALING_CALLS)]
    one_s, every_s = (statistics.median(column) for column in zip(*took, strict=True))
    return {
        "scaling_efficiency": one_s / every_s,
        "step_of_one_device_s": one_s,
        "step_of_all_devices_s": every_s,
    }


class Runner:
    """Steps over a mesh, one after the other."""

    def __init__(self, mesh: Mesh, weights: Weights, x: jax.Array, labels: jax.Array) -> None:
        self._state, self._arguments = place(mesh, weights, x, labels)
        jitted = jax.jit(step, donate_argnums=(0,), out_shardings=everywhere(mesh))
        self._step: Callable[..., State] = jitted.lower(self._state, *self._arguments).compile()
        self.step_s()

    def step_s(self) -> float:
        """Seconds of one step, finished."""
        start = time.perf_counter()
        self._state = self._step(self._state, *self._arguments)
        jax.block_until_ready(self._state)  # type: ignore[no-untyped-call]
        return time.perf_counter() - start


def reference(weights: Weights, x: Float64Array, labels: Any) -> Float64Array:
    """The loss before each of STEPS steps (STEPS,), with gradients by hand, in float64."""
    w1, b1, w2, b2 = weights
    losses = []
    target = np.eye(len(b2))[labels]
    for _ in range(STEPS):
        before = x @ w1 + b1
        hidden = np.maximum(before, 0)
        powers = np.exp(hidden @ w2 + b2)
        shares = powers / powers.sum(axis=1, keepdims=True)
        losses.append(-np.log((shares * target).sum(axis=1)).mean())
        down = (shares - target) / len(x)
        back = down @ w2.T * (before > 0)
        w1, b1 = w1 - RATE * x.T @ back, b1 - RATE * back.sum(axis=0)
        w2, b2 = w2 - RATE * hidden.T @ down, b2 - RATE * down.sum(axis=0)
    return np.array(losses)
