"""Main memory: streams through large arrays, and loads in random order.

The streams write over the output of the call before (see `workloads.prepare`), as C does. A
sweep goes over one array many times within a call. Of the two gathers, one knows all its
positions beforehand, so that many loads are under way at a time; in the other each load says where
the next one is, so that the time of one is latency.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads import capacity, noise, numerics, room
from workloads.case import Case
from workloads.catalog.memory import LINE_ELEMENTS, SWEEPS
from workloads.prepare import queues
from workloads.problem import (
    DTYPES,
    Activity,
    Float64Array,
    Observations,
    Problem,
    exact,
    generator,
    normal,
    on_device,
)

UNROLL = 32
"""Loads in one turn of the chase's loop, which costs some 15 ns on CPU, a load some 150."""

PASSES = {True: 32, False: 8}
"""Passes in one turn of a sweep's loop, where calls queue and on CPU: see `workloads.matmul`. On
CPU only reads have several, as products; XLA would make one pass of several others."""

State = TypeVar("State")

BLOCK_ELEMENTS = 2**18
"""Random numbers that an updated array, or a table, repeats."""

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


def reflect(matrix: jax.Array, vector: jax.Array, passes: int) -> jax.Array:
    """(n, n) times (n,), times the result, and so on: the matrix is read `passes` times."""

    def once(_: int, v: jax.Array) -> jax.Array:
        return jnp.matmul(matrix, v, precision=jax.lax.Precision.HIGHEST)

    end: jax.Array = jax.lax.fori_loop(
        0, passes, once, vector, unroll=min(passes, PASSES[queues()])
    )
    return end


def update(array: jax.Array, turn: jax.Array, passes: int) -> jax.Array:
    """turn - array, in place, `passes` times."""

    def once(_: int, x: jax.Array) -> jax.Array:
        return turn - x

    return _again(once, passes, array)


def write(
    written: tuple[jax.Array, jax.Array], one: jax.Array, passes: int
) -> tuple[jax.Array, jax.Array]:
    """A count into all of an array, which goes up by one with each of `passes`."""

    def once(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        array, count = state
        return jnp.full_like(array, count), count + one

    return _again(once, passes, written)


def transpose(matrix: jax.Array, turn: jax.Array, passes: int) -> jax.Array:
    """turn - the transposed matrix (n, n), `passes` times. None is transposed in place: XLA writes
    another and copies that back."""

    def once(_: int, x: jax.Array) -> jax.Array:
        return turn - x.T

    return _again(once, passes, matrix)


def _again(once: Callable[[int, State], State], passes: int, begin: State) -> State:
    """`once`, so many times. On a GPU a turn of a loop takes as long as a small pass: there several
    share one, and a barrier, which XLA keeps there until kernels are made, keeps them apart."""

    def apart(place: int, state: State) -> State:
        kept: State = jax.lax.optimization_barrier(once(place, state))  # type: ignore[no-untyped-call]
        return kept

    several = queues()
    end: State = jax.lax.fori_loop(
        0,
        passes,
        apart if several else once,
        begin,
        unroll=min(passes, PASSES[True]) if several else 1,
    )
    return end


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


def build(case: Case) -> Problem | Activity:
    """Parameters: kernel, elements; for the gathers loads, too, for the sweeps passes; for capacity
    see there."""
    if case.phase == "capacity":
        return capacity.build(case)
    kernel = case.parameters["kernel"]
    if kernel == "gather":
        return _gather(case)
    if kernel == "chase":
        return _chase(case)
    if kernel == "allocate":
        return _allocate(case)
    if kernel in SWEEPS:
        return SWEEP_BUILDERS[str(kernel)](case)
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


def _read(case: Case) -> Problem:
    """The matrix is a reflection, 1 - 2 u u': dense, and no power of it grows or shrinks."""
    side, passes = math.isqrt(case.integer("elements")), case.integer("passes")
    drawn = generator(case).standard_normal((2, side))
    u, v = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    start = on_device((v * side**0.5).astype(DTYPES[case.dtype]))

    def reference() -> Float64Array:
        exactly = exact(start)
        return exactly - 2 * u * (u @ exactly) if passes % 2 else exactly

    return Problem(
        function=partial(reflect, passes=passes),
        arguments=(_reflection(jnp.asarray(u, DTYPES[case.dtype])), start),
        reference=reference,
    )


@jax.jit
def _reflection(u: jax.Array) -> jax.Array:
    places = jax.lax.iota(jnp.int32, u.shape[0])
    diagonal = places[:, None] == places[None, :]
    return diagonal.astype(u.dtype) - 2 * u[:, None] * u[None, :]


def _update(case: Case) -> Problem:
    """One block of random numbers many times over, each of which is looked at again."""
    elements, passes = case.integer("elements"), case.integer("passes")
    source = generator(case)
    block = normal(source, (min(elements, BLOCK_ELEMENTS),), case.dtype)
    turn, blocks, drawn = normal(source, (), case.dtype), elements // block.size, exact(block)

    def reference() -> Float64Array:
        end = float(turn) - drawn if passes % 2 else drawn
        return np.stack([end, end])

    def extremes(array: jax.Array) -> jax.Array:
        parts = array.reshape(blocks, -1)
        return jnp.stack([parts.min(axis=0), parts.max(axis=0)])

    return Problem(
        function=partial(update, passes=passes),
        state=jnp.tile(block, blocks),
        arguments=(turn,),
        reference=reference,
        checked=extremes,
    )


def _write(case: Case) -> Problem:
    """The smallest and the largest element are what was written last."""
    elements, passes = case.integer("elements"), case.integer("passes")

    def checked(state: tuple[jax.Array, jax.Array]) -> jax.Array:
        array, count = state
        return jnp.stack([array.min(), array.max(), count])

    return Problem(
        function=partial(write, passes=passes),
        state=(normal(generator(case), (1,), case.dtype).repeat(elements), jnp.float32(1)),
        arguments=(jnp.float32(1),),
        reference=lambda: np.array([passes, passes, passes + 1], dtype=np.float64),
        checked=checked,
    )


def _transpose(case: Case) -> Problem:
    elements, passes = case.integer("elements"), case.integer("passes")
    side = math.isqrt(elements)
    source = generator(case)
    matrix, turn = normal(source, (side, side), case.dtype), normal(source, (), case.dtype)
    exactly = exact(matrix)

    def reference() -> Float64Array:
        return float(turn) - exactly.T if passes % 2 else exactly

    return Problem(
        function=partial(transpose, passes=passes),
        state=matrix,
        arguments=(turn,),
        reference=reference,
    )


SWEEP_BUILDERS: dict[str, Callable[[Case], Problem]] = {
    "read": _read,
    "write": _write,
    "update": _update,
    "transpose": _transpose,
}


def _gather(case: Case) -> Problem:
    """The table is a block of random numbers many times over, each time scaled by another: to draw
    64 million of them takes longer than to measure."""
    source = generator(case)
    elements, loads = case.integer("elements"), case.integer("loads")
    block = normal(source, (min(elements, BLOCK_ELEMENTS),), case.dtype)
    table = jnp.outer(normal(source, (elements // block.size,), case.dtype), block).ravel()
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


def _allocate(case: Case) -> Activity:
    """A number into all of a new array. What may be allocated is told by who limits it."""
    shape, dtype = (case.integer("elements"),), DTYPES[case.dtype]
    fill = jax.jit(lambda number: jnp.full(shape, number, dtype)).lower(jnp.float32(1)).compile()
    number = jnp.float32(2)

    def call() -> jax.Array:
        filled: jax.Array = fill(number).block_until_ready()
        return filled

    def check() -> float:
        extremes = np.array([call().min(), call().max()])
        return numerics.check(case, extremes, np.full(2, 2.0))

    return Activity(call=call, check=check, observe=_room)


def _room() -> Observations:
    """Of the device, or of the host what this process may have beside what it has."""
    device, host, own = room.device_bytes(), room.host_bytes(), noise.rss_bytes()
    if device is not None:
        return {"allocatable_bytes": device}
    return {} if host is None or own is None else {"allocatable_bytes": host - own}


def cycle(source: np.random.Generator, elements: int) -> NDArray[np.int32]:
    """Positions of all links, one a line of the cache, in the random order of the chase."""
    lines = np.arange(0, elements, LINE_ELEMENTS, dtype=np.int32)
    return source.permutation(lines)
