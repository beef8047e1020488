"""A decoder-only Transformer, phase by phase."""

from workloads.case import ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, Case, Cost, Work
from workloads.catalog import activation
from workloads.catalog.transformer_sizes import NANO, TransformerSize

TOLERANCES = {
    # Four layers add up: 4e-6 on CPU in f32 (0.015 with inputs cut to TF32), 0.05 in bf16.
    "f32": 0.03,
    "bf16": 0.09,
}
"""Wrong arithmetic is far outside (no causal mask: 5, no rotary positions: 2.4)."""

F32_BYTES = 4


def forward_cost(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
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
    return 2 * size.head_dim + 1 + activation.FLOPS_PER_ELEMENT["softmax"] + 2 * size.head_dim


def _elementwise_flops_per_token(size: TransformerSize) -> int:
    """Norms, rotary embedding (three FLOP an element), SwiGLU's gate, residual additions."""
    norms = activation.FLOPS_PER_ELEMENT["rmsnorm"] * size.norm_scales
    rotary = 3 * size.head_dim * (size.heads + size.kv_heads)
    gate = (activation.FLOPS_PER_ELEMENT["silu"] + 1) * size.ffn
    return norms + size.layers * (rotary + gate + 2 * size.d_model)


def _forward(name: str, size: TransformerSize, batch: int, context: int, dtype: str) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"transformer/{name}/forward/{dtype}",
        workload="transformer",
        phase="forward",
        dtype=dtype,
        cost=forward_cost(size, batch=batch, context=context, itemsize=itemsize),
        tolerance=TOLERANCES[dtype],
        suites=QUICK,
        memory_bytes=PROCESS_BYTES
        + 16 * size.parameters
        + 24 * batch * context * size.vocab
        + 12 * batch * size.heads * context**2,
        work=Work(unit="token", count=batch * context),
        parameters={**size.as_parameters(), "batch": batch, "context": context},
    )


CASES = tuple(_forward("nano", NANO, 8, 128, dtype) for dtype in ("f32", "bf16"))
