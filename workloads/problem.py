"""A problem: a case made concrete, as a function, its device arrays and the right answer."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case

Float64Array = NDArray[np.float64]

DTYPES = {"f32": jnp.float32, "bf16": jnp.bfloat16}

DRAW_BLOCK = 2**20
"""Random numbers that one thread draws at a time."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is timed, and against what it is checked.

    `function`: pure and jittable; takes `arguments`, returns one array.
    `arguments`: device arrays, or trees of them.
    `reference`: computes the same in float64 NumPy from the inputs as rounded to the dtype.
    """

    function: Callable[..., jax.Array]
    arguments: tuple[Any, ...]
    reference: Callable[[], Float64Array]


def generator(case: Case) -> np.random.Generator:
    """A source of random numbers seeded by the case's id: every launch draws equal inputs.

    SFC64 is the fastest of NumPy's bit generators.
    """
    seed = int.from_bytes(hashlib.sha256(case.id.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.SFC64(seed))


def normal(
    source: np.random.Generator, shape: tuple[int, ...], dtype: str, scale: float = 1.0
) -> jax.Array:
    """A device array of N(0, scale^2) values, rounded to `dtype` (`f32` or `bf16`).

    Each block has a generator of its own, so that threads draw the same numbers in any order.
    """
    values = np.empty(shape, dtype=np.float32)
    flat = values.reshape(-1)
    starts = range(0, flat.size, DRAW_BLOCK)
    blocks = [flat[start : start + DRAW_BLOCK] for start in starts]
    with ThreadPoolExecutor() as threads:
        list(threads.map(_fill, source.spawn(len(blocks)), blocks))
    if scale != 1.0:
        values *= np.float32(scale)
    return on_device(values.astype(DTYPES[dtype], copy=False))


def _fill(source: np.random.Generator, block: NDArray[np.float32]) -> None:
    source.standard_normal(dtype=np.float32, out=block)


def on_device(values: NDArray[Any]) -> jax.Array:
    """`values` in device memory of their own.

    On CPU `jax.device_put` borrows NumPy's memory when that is aligned, even when told
    `may_alias=False`; a copying `jnp.array` never does.
    """
    return jnp.array(values, copy=True).block_until_ready()


def exact(array: jax.Array) -> Float64Array:
    """`array` on the host as float64, exactly: f32 and bf16 are subsets of it."""
    return np.asarray(array).astype(np.float64)
