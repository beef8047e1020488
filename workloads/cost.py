"""FLOP and byte counts by formula. Pure arithmetic, no JAX.

Conventions, for every formula here:

- A multiply-add is two FLOP; add, multiply, divide, compare, negate, square root and every
  transcendental (exp, tanh, sin) are one each, as in XLA's HloCostAnalysis with its
  transcendentals added.
- Bytes are compulsory traffic: each input read once, each output written once, nothing
  between (Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009).
- Both are what the mathematics needs, not what one compiler's program does.
"""

from workloads.case import Cost
from workloads.sizes import TransformerSize

F32_BYTES = 4

FLOPS_PER_ELEMENT = {
    "relu": 1,  # max(x, 0)
    "sigmoid": 4,  # 1 / (1 + exp(-x)): negate, exp, add, divide
    "silu": 5,  # x sigmoid(x)
    "gelu": 9,  # 0.5 x (1 + tanh(c (x + 0.044715 x^3))): seven mul/add, tanh, halve
    "softmax": 5,  # max, subtract, exp, sum, divide
    "layernorm": 7,  # sum, subtract, square, sum; times 1/std, times scale, plus bias
    "rmsnorm": 4,  # square, sum; times 1/rms, times scale
}
"""FLOP for each element; the few for each row (an rsqrt, a division) are left out."""

VECTORS = {"layernorm": 2, "rmsnorm": 1}
"""Vectors of one row's length that are read besides the input: scale and bias, or scale."""


def matmul(*, m: int, k: int, n: int, itemsize: int) -> Cost:
    """(m, k) @ (k, n): 2 m k n FLOP (GEMM's usual count); the three matrices as traffic."""
    return Cost(flops=2.0 * m * k * n, bytes=float(itemsize * (m * k + k * n + m * n)))


def activation(name: str, *, rows: int, columns: int, itemsize: int) -> Cost:
    """`name` over a (rows, columns) array: FLOPS_PER_ELEMENT; input, output and vectors."""
    elements = rows * columns
    traffic = 2 * elements + VECTORS.get(name, 0) * columns
    return Cost(flops=float(FLOPS_PER_ELEMENT[name] * elements), bytes=float(itemsize * traffic))


def dense(*, batch: int, inputs: int, outputs: int, itemsize: int) -> Cost:
    """sigmoid(x W^T + b), W (outputs, inputs): the product, one add and a sigmoid an output."""
    product = matmul(m=batch, k=inputs, n=outputs, itemsize=itemsize)
    after = (1 + FLOPS_PER_ELEMENT["sigmoid"]) * batch * outputs
    return Cost(flops=product.flops + after, bytes=product.bytes + itemsize * outputs)


def transformer_forward(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
    """Logits of every position of a (batch, context) array of tokens.

    FLOP: 2 for each token and projection weight (Kaplan et al. 2020, C_forward = 2N without
    the embedding table), plus attention, plus the element-wise parts. Attention counts only
    the query-key pairs that the causal mask keeps, context (context + 1) / 2 a sequence:
    the least that is needed, about half of the 4 L T^2 d of PaLM's appendix B, which counts
    masked pairs too.

    Bytes: the projections and norm scales once, the embedding rows looked up (at most the
    whole table), int32 tokens, f32 logits.
    """
    tokens = batch * context
    pairs = batch * context * (context + 1) // 2
    flops = (
        2 * tokens * size.projections
        + size.layers * size.heads * pairs * _flops_per_pair(size)
        + tokens * _elementwise_flops_per_token(size)
    )
    rows = min(tokens, size.vocab)
    weights = size.projections + size.norm_scales + rows * size.d_model
    traffic = itemsize * weights + 4 * tokens + F32_BYTES * tokens * size.vocab
    return Cost(flops=float(flops), bytes=float(traffic))


def _flops_per_pair(size: TransformerSize) -> int:
    """One head's query-key pair: dot product, scale, softmax, weighted sum of the values."""
    return 2 * size.head_dim + 1 + FLOPS_PER_ELEMENT["softmax"] + 2 * size.head_dim


def _elementwise_flops_per_token(size: TransformerSize) -> int:
    """Norms, rotary embedding (three FLOP an element), SwiGLU's gate, residual additions."""
    norms = FLOPS_PER_ELEMENT["rmsnorm"] * size.norm_scales
    rotary = 3 * size.head_dim * (size.heads + size.kv_heads)
    gate = (FLOPS_PER_ELEMENT["silu"] + 1) * size.ffn
    return norms + size.layers * (rotary + gate + 2 * size.d_model)
