"""Main memory: streams through large arrays, and loads in random order.

The streams write over the output of the call before (see `workloads.prepare`), as C does. Of
the two gathers, one knows all its positions beforehand, so that many loads are under way at a
time; in the other each load says where the next one is, so that the time of one is latency.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads import capacity
from workloads.case import Case
from workloads.catalog.memory import LINE_ELEMENTS
from workloads.problem import Float64Array, Problem, exact, generator, normal, on_device

UNROLL = 32
"""Loads in one turn of the chase's loop: a turn costs some 15 ns on CPU, a load some 150."""

NO_LINK = -1
"""Fills the chased table between the links: who strays ends here."""


def copy(b: jax.Array) -> jax.Array:
    """a = b."""
    return b


def scale(b: jax.Array, q: jax.Array) -> jax.Array:
    """a = q b."""
    return q * b


def add(b: jax.Array, c: jax.Array) -> jax.Array:
    """a = b + c."""
    return b + c


def triad(b: jax.Array, c: jax.Array, q: jax.Array) -> jax.Array:
    """a = b + q c."""
    return b + q * c


def gather(table: jax.Array, positions: jax.Array) -> jax.Array:
    """table[positions], each known to be in the table."""
    picked: jax.Array = table.at[positions].get(mode="promise_in_bounds")
    return picked


def chaser(loads: int) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """A function that follows `loads` links of a table (elements,) from a position, to one."""

    def chase(position: jax.Array, table: jax.Array) -> jax.Array:
        def follow(_: int, here: jax.Array) -> jax.Array:
            return gather(table, here)

        end: jax.Array = jax.lax.fori_loop(0, loads, follow, position, unroll=min(UNROLL, loads))
        return end

    return chase


STREAMS: dict[str, Callable[..., jax.Array]] = {
    "copy": copy,
    "scale": scale,
    "add": add,
    "triad": triad,
}


def build(case: Case) -> Problem:
    """Parameters: kernel, elements; for the gathers loads, too; for capacity see there."""
    if case.phase == "capacity":
        return capacity.build(case)
    kernel = case.parameters["kernel"]
    if kernel == "gather":
        return _gather(case)
    if kernel == "chase":
        return _chase(case)
    return _stream(case, str(kernel))


def _stream(case: Case, kernel: str) -> Problem:
    source, shape = generator(case), (case.integer("elements"),)
    b = normal(source, shape, case.dtype)
    q = normal(source, (), case.dtype) if kernel in ("scale", "triad") else None
    c = normal(source, shape, case.dtype) if kernel in ("add", "triad") else None
    arguments = tuple(each for each in (b, c, q) if each is not None)
    return Problem(function=STREAMS[kernel], arguments=arguments, reference=lambda: stream(b, c, q))


def stream(b: jax.Array, c: jax.Array | None, q: jax.Array | None) -> Float64Array:
    """b, q b, b + c or b + q c, whichever there is, in one float64 array of that size."""
    last = b if c is None else c
    wide = exact(last)
    if q is not None:
        wide *= float(q)
    if c is not None:
        wide += np.asarray(b)
    return wide


def _gather(case: Case) -> Problem:
    source = generator(case)
    elements, loads = case.integer("elements"), case.integer("loads")
    table = normal(source, (elements,), case.dtype)
    positions = source.integers(elements, size=loads, dtype=np.int32)
    return Problem(
        function=gather,
        arguments=(table, on_device(positions)),
        reference=lambda: np.take(np.asarray(table), positions).astype(np.float64),
    )


def _chase(case: Case) -> Problem:
    """The state is the position: each call goes on where the last one ended, so that what it
    reads was last read a whole cycle ago. Two calls are checked."""
    elements, loads = case.integer("elements"), case.integer("loads")
    stops = cycle(generator(case), elements)
    table = np.full(elements, NO_LINK, dtype=np.int32)
    table[stops] = np.roll(stops, -1)
    ends = [stops[call * loads % stops.size] for call in (1, 2)]
    return Problem(
        function=chaser(loads),
        state=jnp.int32(stops[0]),
        arguments=(on_device(table),),
        reference=lambda: np.array(ends, dtype=np.float64),
        steps=2,
    )


def cycle(source: np.random.Generator, elements: int) -> NDArray[np.int32]:
    """Positions of all links, one a line of the cache, in the random order of the chase."""
    lines = np.arange(0, elements, LINE_ELEMENTS, dtype=np.int32)
    return source.permutation(lines)
