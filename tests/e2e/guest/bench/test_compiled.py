import jax
import jax.numpy as jnp


def test_product(benchmark):
    a = jnp.ones((64, 64))
    product = jax.jit(jnp.dot)
    product(a, a).block_until_ready()
    benchmark.pedantic(lambda: product(a, a).block_until_ready(), rounds=5)
    benchmark.extra_info["devices"] = jax.device_count()
