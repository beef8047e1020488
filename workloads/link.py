"""Host to device and device to host, as a user writes them: `jax.device_put`, `np.asarray`.

On CPU both may be no transfer at all: JAX borrows host memory that is aligned, and NumPy looks
at JAX's. Whichever happens is observed and named: `aliased` is 1, and no time of such a call
says anything about a link. The host's array begins on a page, so that it is never chance.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from workloads.case import Case
from workloads.identical import check_bytes
from workloads.problem import Activity, Observations, generator, normal

Array = NDArray[np.float32]

PAGE_BYTES = 4096


def put(host: Array) -> jax.Array:
    """`host` on the device, arrived."""
    device: jax.Array = jax.device_put(host).block_until_ready()
    return device


def fetch(device: jax.Array) -> Array:
    """`device` on the host."""
    return np.asarray(device)


def build(case: Case) -> Activity:
    """Parameters: direction, elements."""
    drawn = normal(generator(case), (case.integer("elements"),), case.dtype)
    if case.parameters["direction"] == "to-device":
        return to_device(case, on_a_page(np.asarray(drawn)), put)
    return to_host(case, drawn, fetch)


def to_device(case: Case, host: Array, put: Callable[[Array], jax.Array]) -> Activity:
    """`put(host)`, whose content is checked on the host again, through a copy."""

    def check() -> float:
        return check_bytes(case, np.array(put(host), copy=True), host)

    def aliased() -> bool:
        return bool(put(host).unsafe_buffer_pointer() == host.ctypes.data)

    return Activity(
        call=lambda: put(host),
        check=check,
        observe=lambda: transfer(aliased()),
        warnings=lambda: remark(aliased()),
    )


def to_host(case: Case, device: jax.Array, fetch: Callable[[jax.Array], Array]) -> Activity:
    """`fetch` of a new array each round: JAX keeps what came to the host once."""
    source = Source(device)

    def check() -> float:
        source.renew()
        return check_bytes(case, fetch(source.array), np.array(device, copy=True))

    def aliased() -> bool:
        source.renew()
        return bool(fetch(source.array).ctypes.data == source.array.unsafe_buffer_pointer())

    return Activity(
        call=lambda: fetch(source.array),
        check=check,
        before_round=source.renew,
        observe=lambda: transfer(aliased()),
        warnings=lambda: remark(aliased()),
    )


class Source:
    """A device array that the host has never seen."""

    def __init__(self, original: jax.Array) -> None:
        self._original = original
        self.array = original

    def renew(self) -> None:
        """Copies on the device."""
        self.array = jnp.array(self._original, copy=True).block_until_ready()


def transfer(aliased: bool) -> Observations:
    """What the transfer was: a copy, or the same memory under another name."""
    return {"aliased": int(aliased), "transfer": "aliased" if aliased else "copied"}


def remark(aliased: bool) -> tuple[str, ...]:
    """For who reads bytes a second off the time of a transfer that was none."""
    if not aliased:
        return ()
    return ("host and device share this memory: nothing was moved, the time tells of no link",)


def on_a_page(values: Array) -> Array:
    """A copy of `values` that begins on a page of memory."""
    room = np.empty(values.nbytes + PAGE_BYTES, dtype=np.uint8)
    start = -room.ctypes.data % PAGE_BYTES
    aligned = room[start : start + values.nbytes].view(values.dtype)
    aligned[:] = values
    return aligned
