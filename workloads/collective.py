"""Collectives over N devices in a row: each sees its own part, and sends to the others.

Shapes: N devices, S elements a device (of what is reduced, gathered or passed on). Every
device's copy of a result is kept and checked, so that a wrong one cannot hide behind another.
"""

from collections.abc import Callable

import jax
import numpy as np

from workloads import data_parallel
from workloads.case import Case
from workloads.devices import AXIS, IN_PARTS, in_a_row, spread, topology, topology_warning
from workloads.problem import Float64Array, Problem, exact, generator, normal

Part = Callable[[jax.Array], jax.Array]
"""What one device does: its part (1, ...) of an array over all devices to its part of another."""


def all_reduce(x: jax.Array) -> jax.Array:
    """(1, S) -> (1, S): the sum of all devices' parts."""
    total: jax.Array = jax.lax.psum(x, AXIS)  # type: ignore[no-untyped-call]
    return total


def all_gather(x: jax.Array) -> jax.Array:
    """(1, S/N) -> (1, N, S/N): every device's part."""
    gathered: jax.Array = jax.lax.all_gather(x[0], AXIS)
    return gathered[None]


def reduce_scatter(x: jax.Array) -> jax.Array:
    """(1, S) -> (1, S/N): this device's share of the sum."""
    share: jax.Array = jax.lax.psum_scatter(  # type: ignore[no-untyped-call]
        x[0], AXIS, scatter_dimension=0, tiled=True
    )
    return share[None]


def permute(x: jax.Array) -> jax.Array:
    """(1, S) -> (1, S): the part of the device before, in a ring."""
    count = jax.lax.axis_size(AXIS)
    ring = [(source, (source + 1) % count) for source in range(count)]
    passed: jax.Array = jax.lax.ppermute(x, AXIS, ring)  # type: ignore[no-untyped-call]
    return passed


PARTS: dict[str, Part] = {
    "all-reduce": all_reduce,
    "all-gather": all_gather,
    "reduce-scatter": reduce_scatter,
    "permute": permute,
}


def build(case: Case) -> Problem:
    """Parameters: collective, elements; for data-parallel those of `workloads.data_parallel`."""
    name = str(case.parameters["collective"])
    return data_parallel.build(case) if name == "data-parallel" else collective(case, name)


def collective(case: Case, name: str) -> Problem:
    """One of PARTS, over random parts."""
    count, elements = case.devices, case.integer("elements")
    mesh = in_a_row(count)
    size = elements // count if name == "all-gather" else elements
    x = jax.device_put(normal(generator(case), (count, size), case.dtype), spread(mesh))
    return Problem(
        function=jax.shard_map(PARTS[name], mesh=mesh, in_specs=IN_PARTS, out_specs=IN_PARTS),
        arguments=(x,),
        reference=lambda: reference(name, exact(x)),
        sharding=spread(mesh),
        observe=lambda _: topology(),
        warnings=topology_warning,
    )


def reference(name: str, parts: Float64Array) -> Float64Array:
    """What all devices hold in the end, of what each held (N, ...) at first."""
    count = len(parts)
    if name == "permute":
        return np.concatenate([parts[-1:], parts[:-1]])
    if name == "all-gather":
        return np.stack([parts] * count)
    total = sum(parts[1:], start=parts[0])
    return np.stack([total] * count) if name == "all-reduce" else total.reshape(count, -1)
