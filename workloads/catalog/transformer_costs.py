"""What the Transformer's phases cost, by formula.

FLOP: 2 for each token and projection weight (Kaplan et al. 2020, C_forward = 2N without the
embedding table), plus attention, plus the element-wise parts. Attention counts only the
query-key pairs that the causal mask keeps, T (T + 1) / 2 a sequence of T: the least that is
needed, about half of the 4 L T^2 d of PaLM's appendix B, which counts masked pairs too.
"""

from workloads.case import Cost
from workloads.catalog import activation
from workloads.catalog.transformer_sizes import TransformerSize

F32_BYTES = 4
TOKEN_BYTES = 4

CROSS_ENTROPY_FLOPS = 4
"""A logit: maximum, subtract, exp, sum; what comes once a token is left out."""

CROSS_ENTROPY_GRADIENT_FLOPS = 2
"""A logit: times 1 / sum, times 1 / tokens; subtracting 1 from one of them is left out."""

ADAMW_FLOPS = 16
"""A weight: both moments 3 + 4, their bias corrections 2, root, epsilon, division, decay 2,
learning rate, subtraction."""

ADAMW_ARRAYS = 6
"""Weight and two moments, read and written. The gradient is nothing that must reach memory."""


def forward_cost(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
    """Logits of every position of a (batch, context) array of tokens.

    Bytes: the projections and norm scales once, the embedding rows looked up (at most the
    whole table), int32 tokens, f32 logits.
    """
    tokens = batch * context
    flops = _products(size, batch, context) + _elementwise(size, batch, context)
    logits = F32_BYTES * tokens * size.vocab
    return Cost(
        flops=float(flops),
        bytes=float(itemsize * _weights_read(size, tokens) + TOKEN_BYTES * tokens + logits),
    )


def validate_cost(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
    """Loss and accuracy: the forward pass, cross entropy, and a comparison a logit (argmax).

    Bytes: weights as in the forward pass, tokens, targets, two scalars; no logits.
    """
    tokens = batch * context
    flops = _products(size, batch, context) + _elementwise(size, batch, context)
    flops += (CROSS_ENTROPY_FLOPS + 1) * tokens * size.vocab
    traffic = itemsize * _weights_read(size, tokens) + 2 * TOKEN_BYTES * tokens + 2 * F32_BYTES
    return Cost(flops=float(flops), bytes=float(traffic))


def backward_cost(size: TransformerSize, *, batch: int, context: int) -> Cost:
    """The loss and the gradients of all weights, the forward pass included.

    FLOP: each product has two derivatives, each a product of its size: three times the
    forward's (Kaplan et al. 2020), attention too, nothing computed twice. Element-wise parts
    likewise: a derivative is taken for twice its function. Cross entropy both ways.

    Bytes: weights read, their gradients written, all f32; int32 sequences of context + 1; the
    loss.
    """
    tokens = batch * context
    traffic = F32_BYTES * (_weights_read(size, tokens) + size.parameters + 1)
    return Cost(
        flops=float(_backward_flops(size, batch, context)),
        bytes=float(traffic + TOKEN_BYTES * batch * (context + 1)),
    )


def train_step_cost(size: TransformerSize, *, batch: int, context: int) -> Cost:
    """`backward_cost`'s FLOP and AdamW's; weights and moments, f32, read and written."""
    flops = _backward_flops(size, batch, context) + ADAMW_FLOPS * size.parameters
    traffic = F32_BYTES * (ADAMW_ARRAYS * size.parameters + 1)
    return Cost(flops=float(flops), bytes=float(traffic + TOKEN_BYTES * batch * (context + 1)))


def prefill_cost(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
    """Prompts of `context` tokens into a cache; logits of the last position only.

    FLOP: as the forward pass, but final norm and unembedding once a sequence. The last layer is
    counted in full, as it is computed, though only its last position is looked at.

    Bytes: weights as in the forward pass, tokens, the cache's entries, f32 logits.
    """
    tokens, unembedding = batch * context, size.d_model * size.vocab
    spared = tokens - batch
    flops = _products(size, batch, context) - 2 * spared * unembedding
    flops += _elementwise(size, batch, context)
    flops -= spared * activation.FLOPS_PER_ELEMENT["rmsnorm"] * size.d_model
    traffic = itemsize * (_weights_read(size, tokens) + cache_elements(size, batch, context))
    traffic += TOKEN_BYTES * tokens + F32_BYTES * batch * size.vocab
    return Cost(flops=float(flops), bytes=float(traffic))


def decode_cost(size: TransformerSize, *, batch: int, context: int, itemsize: int) -> Cost:
    """One token for each sequence, the last of `context`: a query attends to `context` keys.

    Bytes: weights, one embedding row a sequence (at most the table), all earlier entries of
    the cache read and one written, an int32 token, f32 logits, the position.
    """
    pairs = batch * context
    flops = 2 * batch * size.projections + batch * _elementwise_per_token(size)
    flops += size.layers * size.heads * pairs * (_pair_products(size) + _pair_elementwise())
    traffic = itemsize * (_weights_read(size, batch) + cache_elements(size, batch, context))
    traffic += TOKEN_BYTES * (batch + 1) + F32_BYTES * batch * size.vocab
    return Cost(flops=float(flops), bytes=float(traffic))


def cache_elements(size: TransformerSize, batch: int, context: int) -> int:
    """Keys and values of every layer."""
    return 2 * size.layers * batch * context * size.kv_heads * size.head_dim


def _backward_flops(size: TransformerSize, batch: int, context: int) -> int:
    logits = batch * context * size.vocab
    forward = _products(size, batch, context) + _elementwise(size, batch, context)
    return 3 * forward + (CROSS_ENTROPY_FLOPS + CROSS_ENTROPY_GRADIENT_FLOPS) * logits


def _weights_read(size: TransformerSize, tokens: int) -> int:
    """Every matrix and norm, and the rows of the embedding that `tokens` can name at most."""
    return size.projections + size.norm_scales + min(tokens, size.vocab) * size.d_model


def _pairs(batch: int, context: int) -> int:
    """Query-key pairs of one head that the causal mask keeps."""
    return batch * context * (context + 1) // 2


def _products(size: TransformerSize, batch: int, context: int) -> int:
    """FLOP of all matrix products of a forward pass."""
    attention = size.layers * size.heads * _pairs(batch, context) * _pair_products(size)
    return 2 * batch * context * size.projections + attention


def _pair_products(size: TransformerSize) -> int:
    """One head's query-key pair: the dot product, and its share of the value."""
    return 4 * size.head_dim


def _pair_elementwise() -> int:
    """One head's query-key pair: scale and softmax."""
    return 1 + activation.FLOPS_PER_ELEMENT["softmax"]


def _elementwise(size: TransformerSize, batch: int, context: int) -> int:
    """FLOP of a forward pass that are in no product."""
    attention = size.layers * size.heads * _pairs(batch, context) * _pair_elementwise()
    return batch * context * _elementwise_per_token(size) + attention


def _elementwise_per_token(size: TransformerSize) -> int:
    """Norms, rotary embedding (three FLOP an element), SwiGLU's gate, residual additions."""
    norms = activation.FLOPS_PER_ELEMENT["rmsnorm"] * size.norm_scales
    rotary = 3 * size.head_dim * (size.heads + size.kv_heads)
    gate = (activation.FLOPS_PER_ELEMENT["silu"] + 1) * size.ffn
    return norms + size.layers * (rotary + gate + 2 * size.d_model)
