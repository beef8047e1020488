from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from tests.workloads.conftest import Small
from workloads import problem
from workloads.problem import exact, generator, normal, on_device


def test_equal_ids_draw_equal_inputs(small: Small) -> None:
    case = small("matmul")
    first, again = (normal(generator(case), (3, 4), "f32") for _ in range(2))
    other = normal(generator(replace(case, id="another")), (3, 4), "f32")
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_generator_draws_other_numbers_each_time(small: Small) -> None:
    source = generator(small("matmul"))
    assert not np.array_equal(normal(source, (8,), "f32"), normal(source, (8,), "f32"))


def test_numbers_are_normal_across_blocks(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "DRAW_BLOCK", 1000)
    values = exact(normal(generator(small("matmul")), (50, 401), "f32", scale=3.0))
    assert abs(values.mean()) < 0.1
    assert values.std() == pytest.approx(3.0, rel=0.05)
    assert len(np.unique(values)) > 20_000


def test_values_are_rounded_to_the_dtype(small: Small) -> None:
    array = normal(generator(small("matmul")), (64,), "bf16")
    assert array.dtype == jnp.bfloat16
    assert np.array_equal(exact(array), exact(jnp.asarray(exact(array), jnp.bfloat16)))


def test_device_arrays_do_not_borrow_numpy_s_memory() -> None:
    raw = np.zeros(2**18 + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64  # JAX borrows arrays aligned to 64 bytes where it may
    values = raw[start : start + 2**18].view(np.float32)
    array = on_device(values)
    values[:] = 1.0
    assert float(array.max()) == 0.0
