"""Which module builds which workload. Importing this imports JAX."""

from collections.abc import Callable

from workloads import activation, dense, matmul, mlp, transformer
from workloads.case import Case
from workloads.problem import Activity, Problem

BUILDERS: dict[str, Callable[[Case], Problem | Activity]] = {
    "matmul": matmul.build,
    "activation": activation.build,
    "dense": dense.build,
    "transformer": transformer.build,
    "mlp": mlp.build,
}


def build(case: Case) -> Problem | Activity:
    """The problem that `case` names; draws its inputs and puts them on the device."""
    return BUILDERS[case.workload](case)
