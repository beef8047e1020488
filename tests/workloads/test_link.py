"""Transfers bring every byte; whether they copied is found out, not assumed."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workloads import link
from workloads.case import Case
from workloads.catalog import find
from workloads.link import Array
from workloads.numerics import WrongNumbers
from workloads.prepare import prepare
from workloads.problem import generator, normal

ELEMENTS = 1024


def tiny(direction: str) -> Case:
    case = find(f"link/1MiB/{direction}/f32")
    return replace(case, parameters={**case.parameters, "elements": ELEMENTS})


@pytest.mark.parametrize("direction", ["to-device", "to-host"])
def test_a_transfer_is_right_and_says_what_it_was(direction: str) -> None:
    case = tiny(direction)
    prepared = prepare(case, link.build(case))
    assert prepared.numerics_error == 0
    if prepared.before_round is not None:
        prepared.before_round()
    prepared.round(1)
    found = prepared.observe()
    assert found["transfer"] == ("aliased" if found["aliased"] else "copied")
    assert bool(prepared.warnings()) == bool(found["aliased"])


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="what the CPU does")
def test_the_cpu_borrows_memory_that_begins_on_a_page_and_copies_other() -> None:
    case = tiny("to-device")
    host = np.arange(ELEMENTS + 1, dtype=np.float32)
    aligned = link.on_a_page(host[:-1])
    assert aligned.ctypes.data % link.PAGE_BYTES == 0
    assert prepare(case, link.to_device(case, aligned, link.put)).observe()["aliased"] == 1
    odd = link.on_a_page(host)[1:]
    assert prepare(case, link.to_device(case, odd, link.put)).observe()["aliased"] == 0


def flip_a_bit(values: Array) -> Array:
    """The last bit of one mantissa in the middle: no error bound would ever see it."""
    wrong = values.copy()
    wrong.view(np.uint32)[ELEMENTS // 2] ^= 1
    return wrong


@pytest.mark.parametrize(
    "wrong",
    [flip_a_bit, lambda v: v[:-1], np.flip, np.zeros_like, lambda v: v.astype(np.float16)],
)
def test_a_transfer_that_alters_a_byte_is_refused(wrong: Callable[[Array], Array]) -> None:
    there, back = tiny("to-device"), tiny("to-host")
    device = normal(generator(there), (ELEMENTS,), "f32")
    host = np.asarray(device)
    with pytest.raises(WrongNumbers):
        prepare(there, link.to_device(there, host, lambda v: link.put(wrong(v))))
    with pytest.raises(WrongNumbers):
        prepare(back, link.to_host(back, device, lambda v: wrong(link.fetch(v))))


def test_each_round_fetches_an_array_that_the_host_has_not_seen() -> None:
    source = link.Source(jnp.arange(8.0))
    seen = source.array
    source.renew()
    assert source.array is not seen
    assert source.array.unsafe_buffer_pointer() != seen.unsafe_buffer_pointer()


def test_every_byte_crosses_once() -> None:
    for case in (find("link/64MiB/to-device/f32"), find("link/1024MiB/to-host/f32")):
        assert case.cost.link_bytes == 4 * case.integer("elements")
