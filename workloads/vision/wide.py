"""Where more than the dtype of the products is needed."""

import jax
import jax.numpy as jnp


def wide(x: jax.Array) -> jax.Array:
    """`x` in f32, or in float64 where it is that (the tests' runs)."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
