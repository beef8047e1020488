"""Element-wise and row-wise functions over a (rows, columns) array.

Each is JAX's own where JAX has one, in its default form (gelu is the tanh approximation); the
norms take their statistics in f32, as models in bf16 do.
The references are written apart from them and work on a block of rows at a time, which
keeps float64 temporaries in the cache.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

from workloads.case import Case
from workloads.catalog.activation import VECTORS
from workloads.problem import Float64Array, Problem, exact, generator, normal

EPSILON = 1e-5
"""Added to the variance or the mean square; PyTorch's LayerNorm default."""

BLOCK_ROWS = 32


def layernorm(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    """Each row to mean 0 and variance 1, then scale and bias (columns,) (Ba et al. 2016)."""
    wide = x.astype(jnp.float32)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    variance = jnp.square(centred).mean(axis=-1, keepdims=True)
    return (centred * jax.lax.rsqrt(variance + EPSILON) * scale + bias).astype(x.dtype)


def rmsnorm(x: jax.Array, scale: jax.Array) -> jax.Array:
    """Each row to root mean square 1, then scale (columns,) (Zhang and Sennrich 2019)."""
    wide = x.astype(jnp.float32)
    mean_square = jnp.square(wide).mean(axis=-1, keepdims=True)
    return (wide * jax.lax.rsqrt(mean_square + EPSILON) * scale).astype(x.dtype)


FUNCTIONS: dict[str, Callable[..., jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softmax": jax.nn.softmax,
    "layernorm": layernorm,
    "rmsnorm": rmsnorm,
}


def build(case: Case) -> Problem:
    """Parameters: activation (a key of FUNCTIONS), rows, columns."""
    name = str(case.parameters["activation"])
    rows, columns = case.integer("rows"), case.integer("columns")
    source = generator(case)
    x = normal(source, (rows, columns), case.dtype)
    vectors = [normal(source, (columns,), case.dtype) for _ in range(VECTORS.get(name, 0))]
    return Problem(
        function=FUNCTIONS[name],
        arguments=(x, *vectors),
        reference=lambda: reference(name, x, *vectors),
    )


def reference(name: str, x: jax.Array, *vectors: jax.Array) -> Float64Array:
    """The activation in float64, block by block of rows."""
    function = REFERENCES[name]
    exact_vectors = [exact(vector) for vector in vectors]
    host = np.asarray(x)
    out = np.empty(host.shape, dtype=np.float64)

    def fill(start: int) -> None:
        block = slice(start, start + BLOCK_ROWS)
        out[block] = function(host[block].astype(np.float64), *exact_vectors)

    with ThreadPoolExecutor() as threads:
        list(threads.map(fill, range(0, len(host), BLOCK_ROWS)))
    return out


def _relu(x: Float64Array) -> Float64Array:
    return np.where(x > 0, x, 0.0)


def _sigmoid(x: Float64Array) -> Float64Array:
    out: Float64Array = np.reciprocal(1.0 + np.exp(-x))
    return out


def _silu(x: Float64Array) -> Float64Array:
    out: Float64Array = x / (1.0 + np.exp(-x))
    return out


def _gelu(x: Float64Array) -> Float64Array:
    """Hendrycks and Gimpel 2016, the tanh form, by 0.5 (1 + tanh u) = sigmoid(2u)."""
    out: Float64Array = x * _sigmoid(2.0 * np.sqrt(2.0 / np.pi) * x * (1.0 + 0.044715 * x * x))
    return out


def _tanh(x: Float64Array) -> Float64Array:
    """By the logistic function: tanh x = 2 sigmoid(2x) - 1."""
    return 2.0 * _sigmoid(2.0 * x) - 1.0


def _softmax(x: Float64Array) -> Float64Array:
    powers = np.exp(x)
    out: Float64Array = powers / powers.sum(axis=-1, keepdims=True)
    return out


def _layernorm(x: Float64Array, scale: Float64Array, bias: Float64Array) -> Float64Array:
    spread = np.sqrt(x.var(axis=-1, keepdims=True) + EPSILON)
    out: Float64Array = (x - x.mean(axis=-1, keepdims=True)) / spread * scale + bias
    return out


def _rmsnorm(x: Float64Array, scale: Float64Array) -> Float64Array:
    mean_square = np.einsum("rc,rc->r", x, x)[:, None] / x.shape[-1]
    out: Float64Array = x / np.sqrt(mean_square + EPSILON) * scale
    return out


REFERENCES: dict[str, Callable[..., Float64Array]] = {
    "relu": _relu,
    "gelu": _gelu,
    "silu": _silu,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softmax": _softmax,
    "layernorm": _layernorm,
    "rmsnorm": _rmsnorm,
}
