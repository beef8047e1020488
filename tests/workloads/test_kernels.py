"""What a program's kernels move, against XLA's own count, and where that does not count."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests.workloads.conftest import build
from workloads.catalog import find
from workloads.kernels import Kernels, kernels
from workloads.prepare import prepare

SIDE = 256
ARRAY = 4 * SIDE**2


def compiled(function: Callable[..., Any], *arguments: jax.Array) -> jax.stages.Compiled:
    return jax.jit(function).lower(*arguments).compile()


def read(function: Callable[..., Any], *arguments: jax.Array) -> Kernels:
    found = kernels(compiled(function, *arguments).as_text() or "")
    assert found is not None
    return found


@pytest.fixture
def square() -> jax.Array:
    return jnp.arange(SIDE**2, dtype=jnp.float32).reshape(SIDE, SIDE)


def test_a_function_of_each_element_streams(square: jax.Array) -> None:
    assert read(jnp.tanh, square) == Kernels(
        count=1, product_bytes=0, turned_bytes=0, streamed_bytes=2 * ARRAY
    )


def test_a_product_is_told_from_what_comes_after_it(square: jax.Array) -> None:
    def function(x: jax.Array, y: jax.Array) -> jax.Array:
        product: jax.Array = jax.lax.optimization_barrier(x @ y)  # type: ignore[no-untyped-call]
        return product + 1

    found = read(function, square, square)
    assert (found.product_bytes, found.streamed_bytes) == (3 * ARRAY, 2 * ARRAY)
    assert found.count == 2


def test_a_transposition_that_moves_turns(square: jax.Array) -> None:
    assert read(lambda x: x.T + 1, square).turned_bytes == 2 * ARRAY


def test_one_that_names_another_order_does_not(square: jax.Array) -> None:
    found = read(lambda x: x.T @ x, square)
    assert found.turned_bytes == 0


def test_a_loop_counts_as_often_as_it_runs(square: jax.Array) -> None:
    def turns(times: int) -> float:
        def again(_: int, x: jax.Array) -> jax.Array:
            return jnp.tanh(x) + 1

        return read(lambda x: jax.lax.fori_loop(0, times, again, x), square).streamed_bytes

    assert turns(9) - turns(7) == pytest.approx(2 * 2 * ARRAY, rel=1e-3)


def test_of_a_loop_without_an_end_nothing_is_told(square: jax.Array) -> None:
    def below(x: jax.Array) -> jax.Array:
        return x.max() < 1e6

    hlo = compiled(lambda x: jax.lax.while_loop(below, lambda x: 2 * x + 1, x), square).as_text()
    assert kernels(hlo or "") is None


def test_of_no_program_nothing_is_told() -> None:
    assert kernels("") is None


def test_a_gather_reads_what_it_picks(square: jax.Array) -> None:
    rows = jnp.arange(4)
    found = read(lambda x, i: x.at[i].get(mode="promise_in_bounds"), square, rows)
    assert found.streamed_bytes == 2 * 4 * 4 * SIDE + 4 * 4


def test_a_part_is_written_in_place(square: jax.Array) -> None:
    def put(x: jax.Array, row: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_slice(x, row, (3, 0))

    row = jnp.ones((1, SIDE))
    hlo = jax.jit(put, donate_argnums=0).lower(square, row).compile().as_text() or ""
    found = kernels(hlo)
    assert found is not None
    assert found.streamed_bytes == 2 * 4 * SIDE


@pytest.mark.parametrize(
    "name",
    [
        "transformer/nano/forward/f32",
        "transformer/nano/prefill/bf16",
        "vision/vit-tiny/train_step/f32",
        "mlp/digits/train_step/f32",
        "convolution/8x32x32x16-3x3s1-16/forward/f32",
    ],
)
def test_all_kernels_move_what_xla_counts(name: str) -> None:
    """It knows what each instruction uses of its operands a little better."""
    program = prepare(find(name), build(find(name))).program
    told = (program.product_bytes, program.turned_bytes, program.streamed_bytes)
    moved = sum(each for each in told if each is not None)
    assert moved == pytest.approx(program.xla_bytes, rel=0.02)
    assert program.kernels is not None
    assert program.kernels >= 1


def test_a_scan_moves_as_often_as_it_steps() -> None:
    """XLA counts its body once."""
    case = find("mlp/digits/train/f32")
    program = prepare(case, build(case)).program
    assert program.product_bytes is not None
    assert program.xla_bytes is not None
    assert program.product_bytes > 20 * program.xla_bytes


def test_arrays_of_a_call_are_counted() -> None:
    program = prepare(find("dispatch/call/f32"), build(find("dispatch/call/f32"))).program
    assert (program.arguments, program.results) == (2, 1)


LIBRARY = """
ENTRY %main (a: f32[8,8], b: f32[8,8]) -> f32[8,8] {
  %a = f32[8,8]{1,0} parameter(0)
  %b = f32[8,8]{1,0} parameter(1)
  %product = (f32[8,8]{1,0}, s8[64]{0}) custom-call(%a, %b), custom_call_target="__cublas$gemm"
  %gte = f32[8,8]{1,0} get-tuple-element(%product), index=0
  %other = f32[8,8]{1,0} custom-call(%gte), custom_call_target="AllocateBuffer"
  ROOT %turned = f32[8,8]{0,1} copy(%other)
}
"""


def test_a_library_s_products_are_known_by_their_names() -> None:
    """As an accelerator's programs have them."""
    assert kernels(LIBRARY) == Kernels(
        count=3, product_bytes=3 * 256, turned_bytes=512, streamed_bytes=512
    )


TILED = """
ENTRY %main (a: f32[8,8]) -> f32[8,8] {
  %a = f32[8,8]{1,0:T(8,128)} parameter(0)
  ROOT %copied = f32[8,8]{0,1:T(8,128)} copy(f32[8,8]{1,0:T(8,128)} %a)
}
"""


def test_layouts_of_tiles_are_read() -> None:
    """As a TPU's programs have them."""
    assert kernels(TILED) == Kernels(count=1, product_bytes=0, turned_bytes=512, streamed_bytes=0)


BRANCHES = """
%one (a: f32[64,64]) -> f32[64,64] {
  %a = f32[64,64]{1,0} parameter(0)
  ROOT %dot = f32[64,64]{1,0} dot(%a, %a)
}

ENTRY %main (p: pred[], a: f32[64,64]) -> f32[64,64] {
  %p = pred[] parameter(0)
  %a = f32[64,64]{1,0} parameter(1)
  ROOT %c = f32[64,64]{1,0} conditional(%p, %a, %a), branch_computations={%one, %one}
}
"""


def test_of_a_branch_nothing_is_told() -> None:
    assert kernels(BRANCHES) is None


STARTED = """
%fused (a: f32[64,64]) -> f32[64,64] {
  %a = f32[64,64]{1,0} parameter(0)
  ROOT %dot = f32[64,64]{1,0} dot(%a, %a)
}

%async (a: f32[64,64]) -> f32[64,64] {
  %a = f32[64,64]{1,0} parameter(0)
  ROOT %fusion = f32[64,64]{1,0} fusion(%a), kind=kCustom, calls=%fused
}

ENTRY %main (a: f32[64,64]) -> f32[64,64] {
  %a = f32[64,64]{1,0} parameter(0)
  %start = ((f32[64,64]{1,0}), f32[64,64]{1,0}) fusion-start(%a), calls=%async
  ROOT %done = f32[64,64]{1,0} fusion-done(%start)
}
"""


def test_what_is_started_is_what_it_calls() -> None:
    assert kernels(STARTED) == Kernels(
        count=1, product_bytes=2 * 4 * 64**2, turned_bytes=0, streamed_bytes=0
    )


PARTS = """
%fused (a: f32[4096,8], b: f32[4096,8], u: f32[1,8], i: s32[]) -> (f32[4096,8], f32[4096,8]) {
  %a = f32[4096,8]{1,0} parameter(0)
  %b = f32[4096,8]{1,0} parameter(1)
  %u = f32[1,8]{1,0} parameter(2)
  %i = s32[] parameter(3)
  %put = f32[4096,8]{1,0} dynamic-update-slice(%a, %u, %i, %i)
  %too = f32[4096,8]{1,0} dynamic-update-slice(%b, %u, %i, %i)
  ROOT %both = (f32[4096,8]{1,0}, f32[4096,8]{1,0}) tuple(%put, %too)
}

ENTRY %main (a: f32[4096,8], b: f32[4096,8], u: f32[1,8], i: s32[]) -> f32[4096,8] {
  %a = f32[4096,8]{1,0} parameter(0)
  %b = f32[4096,8]{1,0} parameter(1)
  %u = f32[1,8]{1,0} parameter(2)
  %i = s32[] parameter(3)
  ROOT %f = (f32[4096,8]{1,0}, f32[4096,8]{1,0}) fusion(%a, %b, %u, %i), kind=kLoop, calls=%fused
}
"""


def test_parts_of_several_arrays_are_written_in_place() -> None:
    found = kernels(PARTS)
    assert found is not None
    assert found.streamed_bytes == 3 * 32 + 4


FRESH = PARTS.replace("dynamic-update-slice(%a,", "dynamic-update-slice(%zeros,").replace(
    "  %put", "  %z = f32[] constant(0)\n  %zeros = f32[4096,8]{1,0} broadcast(%z)\n  %put"
)


def test_a_part_of_a_new_array_is_written_with_all_of_it() -> None:
    found = kernels(FRESH)
    assert found is not None
    assert found.streamed_bytes > 4 * 4096 * 8


def test_rows_that_are_scattered_are_written_in_place(square: jax.Array) -> None:
    def add(x: jax.Array, rows: jax.Array, places: jax.Array) -> jax.Array:
        return x.at[places].add(rows, mode="promise_in_bounds", unique_indices=True)

    lowered = jax.jit(add, donate_argnums=0).lower(square, jnp.ones((4, SIDE)), jnp.arange(4))
    found = kernels(lowered.compile().as_text() or "")
    assert found is not None
    assert found.streamed_bytes == pytest.approx(2 * 4 * 4 * SIDE, rel=0.01)
