"""A problem: a case made concrete, as something that can be called, with the right answer.

Most are a `Problem`, which is compiled: a function of device arrays. What happens on the host
(files, links, dispatch) is an `Activity`, which is called as it stands.
"""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case

Float64Array = NDArray[np.float64]

Observations = Mapping[str, int | float | str]
"""What else a case found out: an accuracy, whether a copy was one. Units in the names."""

DTYPES = {
    "f32": jnp.float32,
    "bf16": jnp.bfloat16,
    "f16": jnp.float16,
    "f8": jnp.float8_e4m3fn,
}
"""What `normal` can round to. int8 is no such: its numbers are drawn whole."""

DRAW_BLOCK = 2**20
"""Random numbers that one thread draws at a time."""


def everything(output: Any) -> Any:
    """The whole output is checked."""
    return output


Warnings = Callable[[], tuple[str, ...]]
"""What a reader of the timing must know; asked for after the rounds."""


def nothing_more(_: Any) -> Observations:
    """Nothing is observed."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is compiled and timed, and against what it is checked.

    `function`: pure and jittable. Without `state`: (*arguments) -> output, a tree of arrays.
    With: (state, *arguments) -> the next state, of the same shapes, written over the last one
    (so `reference` must not look at `state`: it is gone by then).
    `arguments`: device arrays, or trees of them.
    `reference`: computes in float64 NumPy what `checked` picks, from the inputs as rounded to
    the dtype: a tree of arrays, with the same leaves in the same order.
    `checked`: picks from the output (the next state) what is compared.
    `steps`: that many calls are checked, one after the other; the reference's leaves then have
    a leading axis of that length, or shorter where only the first steps' answers are known.
    `falls`: of what is checked, the last step must be below the first: a loss.
    `observe`: looks at the last checked output; may raise `WrongNumbers`.
    `warnings`: of this problem. `sharding`: of the output, where it is spread over devices.
    `waits`: what is measured is a call that is waited for, also where calls could queue.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    reference: Callable[[], Any]
    state: Any = None
    checked: Callable[[Any], Any] = everything
    steps: int = 1
    falls: bool = False
    observe: Callable[[Any], Observations] = nothing_more
    warnings: Warnings = tuple
    sharding: Any = None
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Something that the host does, timed as it stands; nothing is compiled.

    `call`: does it once, and returns when it is done.
    `check`: does it and returns the numerics error (see `workloads.numerics`); raises
    `WrongNumbers`.
    `before_round`: called untimed before every round, which then is one call: to drop a cache.
    `observe`, `warnings`: called once, after the rounds. `close`: called at the end, however it
    came.
    """

    call: Callable[[], object]
    check: Callable[[], float]
    before_round: Callable[[], None] | None = None
    observe: Callable[[], Observations] = dict
    warnings: Warnings = tuple
    close: Callable[[], None] = lambda: None


def generator(case: Case) -> np.random.Generator:
    """A source of random numbers seeded by the case's id: every launch draws equal inputs.

    SFC64 is the fastest of NumPy's bit generators.
    """
    seed = int.from_bytes(hashlib.sha256(case.id.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.SFC64(seed))


def normal(
    source: np.random.Generator, shape: tuple[int, ...], dtype: str, scale: float = 1.0
) -> jax.Array:
    """A device array of N(0, scale^2) values, rounded to `dtype` (a key of DTYPES).

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


def exact(array: jax.Array | NDArray[Any]) -> Float64Array:
    """`array` on the host as float64, exactly: every dtype here is a subset of it."""
    return np.asarray(array).astype(np.float64)
