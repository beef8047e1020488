"""Several devices in a row, and whether there is any link between them."""

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from workloads.problem import Observations

AXIS = "device"

IN_PARTS: PartitionSpec = PartitionSpec(AXIS)  # type: ignore[no-untyped-call]
"""The first axis of an array is spread over the devices."""

WHOLE: PartitionSpec = PartitionSpec()  # type: ignore[no-untyped-call]
"""Every device has all of an array."""


def in_a_row(count: int) -> Mesh:
    """The first `count` devices, on an axis of that name."""
    return jax.make_mesh(
        (count,), (AXIS,), axis_types=(AxisType.Auto,), devices=jax.devices()[:count]
    )


def spread(mesh: Mesh) -> NamedSharding:
    """See IN_PARTS."""
    return NamedSharding(mesh, IN_PARTS)


def everywhere(mesh: Mesh) -> NamedSharding:
    """See WHOLE."""
    return NamedSharding(mesh, WHOLE)


def topology() -> Observations:
    """`topology_only`: 1 where the devices are forced ones of a CPU."""
    return {"topology_only": int(_forced())}


def topology_warning() -> tuple[str, ...]:
    """Says where no link was measured."""
    if not _forced():
        return ()
    return ("forced CPU devices share one memory: this shows the topology, and no real link",)


def _forced() -> bool:
    return jax.default_backend() == "cpu"
