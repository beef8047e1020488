from dataclasses import replace

import jax
import jax.numpy as jnp

from workloads.prepare import donating
from workloads.program import describe


def test_facts_of_a_donated_program() -> None:
    x = jnp.ones(256)
    doubled = donating(lambda x: 2 * x)
    program = describe(doubled.trace(x, x).lower().compile())
    assert (program.output_bytes, program.alias_bytes) == (1024, 1024)
    assert program.argument_bytes == 2 * 1024
    assert program.xla_flops == 256
    assert program.warnings() == []


def test_an_output_that_is_not_in_place_warns() -> None:
    program = describe(jax.jit(lambda x: 2 * x).trace(jnp.ones(256)).lower().compile())
    assert program.warnings() == [
        "output not written in place (alias 0 of 1024 bytes): the time holds an allocation"
    ]


def test_a_backend_that_does_not_tell_warns() -> None:
    program = describe(jax.jit(lambda x: 2 * x).trace(jnp.ones(256)).lower().compile())
    assert "does not tell" in replace(program, alias_bytes=None).warnings()[0]


def test_another_computation_has_another_hash() -> None:
    x = jnp.ones(256)
    doubled = describe(jax.jit(lambda x: 2 * x).trace(x).lower().compile())
    tripled = describe(jax.jit(lambda x: 3 * x).trace(x).lower().compile())
    assert doubled.hlo_sha256 != tripled.hlo_sha256
