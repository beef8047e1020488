"""Which module builds which workload. Importing this imports JAX."""

from collections.abc import Callable

from workloads import (
    activation,
    collective,
    convolution,
    dense,
    dispatch,
    link,
    matmul,
    memory,
    mlp,
    recommender,
    storage,
    transformer,
    vision,
)
from workloads.case import Case
from workloads.problem import Activity, Problem

BUILDERS: dict[str, Callable[[Case], Problem | Activity]] = {
    "matmul": matmul.build,
    "activation": activation.build,
    "dense": dense.build,
    "convolution": convolution.build,
    "mlp": mlp.build,
    "transformer": transformer.build,
    "vision": vision.build,
    "recommender": recommender.build,
    "memory": memory.build,
    "dispatch": dispatch.build,
    "link": link.build,
    "storage": storage.build,
    "collective": collective.build,
}


def build(case: Case) -> Problem | Activity:
    """The problem that `case` names; draws its inputs and puts them on the device."""
    return BUILDERS[case.workload](case)
