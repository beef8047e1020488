"""Is JAX's matrix product a fair ceiling? The best of the grid over NumPy's OpenBLAS.

Both in the same container on the same cores, round by round in turns. The half that runs there
is `blas_rounds.py`.
"""

import docker

from tests.benchmarks.in_container import results
from tests.benchmarks.report import Figure

BOUND = 0.90

SLEEPING = {"OPENBLAS_THREAD_TIMEOUT": "4"}
"""OpenBLAS' threads else go on spinning for 2^26 cycles when it is JAX's turn, which then has one
core of two: https://github.com/OpenMathLib/OpenBLAS/blob/develop/USAGE.md"""


def share(client: docker.DockerClient, image: str) -> Figure:
    """Best FLOP/s of the f32 products, JAX over NumPy."""
    found = results(client, image, "blas_rounds.py", SLEEPING)
    best = {side: max(each[side] for each in found) for side in ("jax", "numpy")}
    return Figure(
        bench="best matrix product of the grid, JAX over NumPy's OpenBLAS",
        value=round(best["jax"] / best["numpy"], 4),
        unit="ratio",
        bound=BOUND,
        better="higher",
        detail={"flop_per_s": found},
    )
