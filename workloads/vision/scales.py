"""Where a norm's scales start."""

import jax
import numpy as np

from workloads.problem import normal, on_device


def about_one(source: np.random.Generator, count: int, dtype: str) -> jax.Array:
    """(count,) values of N(1, 0.01); added on the host, as JAX would compile it for each shape."""
    around = np.asarray(normal(source, (count,), dtype, scale=0.1))
    return on_device(around + around.dtype.type(1))
