"""Formulas against hand counts, and against XLA where XLA counts what runs."""

import pytest

from tests.workloads.conftest import Small, build
from tests.workloads.tiny_transformer import tiny
from workloads.case import Case
from workloads.catalog import activation, dense, find, matmul, mlp
from workloads.catalog import transformer_costs as transformer
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.prepare import prepare
from workloads.program import Program

TINY = TransformerSize(vocab=10, layers=1, d_model=4, heads=2, kv_heads=1, ffn=3)


def compiled(case: Case) -> Program:
    return prepare(case, build(case)).program


def test_matmul_by_hand() -> None:
    counted = matmul.cost(m=2, k=3, n=5, itemsize=2)
    assert counted.flops == 2 * 30
    assert counted.bytes == 2 * (6 + 15 + 10)


def test_a_batch_of_products_with_wider_outputs_by_hand() -> None:
    counted = matmul.cost(m=2, k=3, n=5, itemsize=1, output_itemsize=4, batch=7)
    assert counted.flops == 7 * 2 * 30
    assert counted.bytes == 7 * (6 + 15 + 4 * 10)


def test_activation_by_hand() -> None:
    assert activation.cost("relu", rows=3, columns=5, itemsize=4).flops == 15
    assert activation.cost("relu", rows=3, columns=5, itemsize=4).bytes == 4 * 30
    assert activation.cost("layernorm", rows=3, columns=5, itemsize=4).bytes == 4 * (30 + 10)
    assert activation.cost("rmsnorm", rows=3, columns=5, itemsize=4).bytes == 4 * (30 + 5)


def test_dense_by_hand() -> None:
    counted = dense.forward_cost(batch=2, inputs=3, outputs=5, itemsize=4)
    assert counted.flops == 2 * 30 + 10 + 4 * 10
    assert counted.bytes == 4 * (6 + 15 + 5 + 10)


def test_dense_backward_by_hand() -> None:
    counted = dense.backward_cost(batch=2, inputs=3, outputs=5, itemsize=4)
    assert counted.flops == (2 * 30 + 10 + 4 * 10) + 2 * 60 + 3 * 10 + 10
    assert counted.bytes == 4 * (2 * (6 + 15 + 5) + 10)


def test_mlp_by_hand() -> None:
    """Three images through 4-3-2-2: 22 weights, 7 biases, 5 relus, 2 classes."""
    widths = (4, 3, 2, 2)
    scores, softmax = 2 * 22 + 7 + 5, 5 * 2
    forward = mlp.forward_cost(widths, images=3)
    assert (forward.flops, forward.bytes) == (3 * (scores + softmax), 4 * (29 + 3 * (4 + 2)))
    back = 2 * 2 + 2 * 22 + 2 * (3 * 2 + 2 * 2) + 7 + 5
    backward = mlp.backward_cost(widths, images=3)
    assert backward.flops == 3 * (scores + softmax + back)
    assert backward.bytes == 4 * (29 + 3 * 4) + 4 * 3 + 4 * (29 + 1)
    step = mlp.train_step_cost(widths, images=3)
    assert step.flops == backward.flops + 14 * 29
    assert step.bytes == 4 * (3 * 29 + 3 * 4) + 4 * 3 + 4 * (3 * 29 + 1)
    train = mlp.train_cost(widths, images=7, batch=3, epochs=5)
    assert train.flops == 5 * 2 * step.flops
    assert train.bytes == 4 * (29 + 7 * 4) + 4 * (7 + 5 * 2 * 3) + 4 * (29 + 5)
    validate = mlp.validate_cost(widths, images=3)
    assert validate.flops == 3 * (scores + softmax + 2 + 1)
    assert validate.bytes == 4 * (29 + 3 * 4) + 4 * 3 + 4 * 2
    infer = mlp.infer_cost(widths, images=1)
    assert (infer.flops, infer.bytes) == (scores + softmax + 2, 4 * (29 + 4 + 2) + 4)


def test_transformer_by_hand() -> None:
    """One sequence of two tokens through one layer of width 4, two heads of width 2."""
    projections = 2 * (4 * 4 + 4 * 2 + 4 * 2 + 4 * 4 + 3 * 4 * 3 + 4 * 10)  # FLOP a token
    pairs = 2 * 3 * (2 * 2 + 1 + 5 + 2 * 2)  # two heads, three pairs of positions
    norms, rotary, gate, residuals = 3 * 4 * 4, 3 * 2 * 3, 3 * 6, 2 * 4
    counted = transformer.forward_cost(TINY, batch=1, context=2, itemsize=2)
    assert counted.flops == 2 * projections + pairs + 2 * (norms + rotary + gate + residuals)
    weights = 4 * 4 + 4 * 2 + 4 * 2 + 4 * 4 + 3 * 4 * 3 + 4 * 10 + 3 * 4 + 2 * 4
    assert counted.bytes == 2 * weights + 2 * 4 + 4 * 2 * 10


def test_a_long_batch_reads_the_embedding_table_once() -> None:
    short = transformer.forward_cost(TINY, batch=10, context=1, itemsize=2)
    longer = transformer.forward_cost(TINY, batch=20, context=1, itemsize=2)
    assert longer.bytes - short.bytes == 10 * (4 + 4 * 10)


def test_xla_counts_the_same_for_a_product(small: Small) -> None:
    counted = matmul.cost(m=48, k=64, n=40, itemsize=4)
    program = compiled(small("matmul"))
    assert (program.xla_flops, program.xla_bytes) == (counted.flops, counted.bytes)


@pytest.mark.parametrize("dtype", ["bf16", "f16", "int8", "f8"])
def test_xla_counts_the_flops_of_a_batch_of_products(small: Small, dtype: str) -> None:
    case = small("matmul", dtype, batch=3, m=24, k=16, n=40)
    counted = matmul.cost(m=24, k=16, n=40, itemsize=1, batch=3)
    assert compiled(case).xla_flops == pytest.approx(counted.flops, rel=0.1)


def test_xla_counts_the_same_for_dense_backward(small: Small) -> None:
    counted = dense.backward_cost(batch=16, inputs=64, outputs=48, itemsize=4)
    xla_flops = compiled(small("dense/backward")).xla_flops
    assert xla_flops == pytest.approx(counted.flops, rel=0.02)


@pytest.mark.parametrize("phase", ["forward", "backward", "train_step", "infer"])
def test_xla_counts_the_same_for_the_digits(phase: str) -> None:
    """Of its data XLA gathers more: the label's logit, constants, products that are fused."""
    case = find(f"mlp/digits/{phase}/f32")
    assert compiled(case).xla_flops == pytest.approx(case.cost.flops, rel=0.05)


def test_xla_counts_the_same_for_relu(small: Small) -> None:
    case = small("activation")
    counted = activation.cost("relu", rows=48, columns=256, itemsize=4)
    program = compiled(case)
    assert (program.xla_flops, program.xla_bytes) == (counted.flops, counted.bytes)


def test_xla_counts_the_transformer_with_its_masked_pairs(small: Small) -> None:
    """Half of the query-key pairs are masked: the formula leaves them out, XLA does not."""
    case = small("transformer", context=64, batch=4)
    size = TransformerSize.of(case)
    counted = transformer.forward_cost(size, batch=4, context=64, itemsize=4)
    masked = size.layers * size.heads * 4 * (64 * 63 // 2) * (4 * size.head_dim + 6)
    xla_flops = compiled(case).xla_flops
    assert xla_flops is not None
    assert xla_flops == pytest.approx(counted.flops + masked, rel=0.08)
    assert xla_flops > counted.flops


PROJECTIONS = 4 * 4 + 4 * 2 + 4 * 2 + 4 * 4 + 3 * 4 * 3 + 4 * 10  # weights of TINY's matrices
NORMS, TABLE = 3 * 4, 10 * 4


def test_backward_by_hand() -> None:
    """Two tokens, ten logits each: thrice the forward pass, and cross entropy both ways."""
    forward = transformer.forward_cost(TINY, batch=1, context=2, itemsize=4)
    counted = transformer.backward_cost(TINY, batch=1, context=2)
    assert counted.flops == 3 * forward.flops + (4 + 2) * 2 * 10
    read, written = PROJECTIONS + NORMS + 2 * 4, PROJECTIONS + NORMS + TABLE
    assert counted.bytes == 4 * (read + written + 1) + 4 * 3


def test_train_step_by_hand() -> None:
    backward = transformer.backward_cost(TINY, batch=1, context=2)
    counted = transformer.train_step_cost(TINY, batch=1, context=2)
    weights = PROJECTIONS + NORMS + TABLE
    assert counted.flops == backward.flops + 16 * weights
    assert counted.bytes == 6 * 4 * weights + 4 + 4 * 3


def test_validate_by_hand() -> None:
    forward = transformer.forward_cost(TINY, batch=1, context=2, itemsize=2)
    counted = transformer.validate_cost(TINY, batch=1, context=2, itemsize=2)
    assert counted.flops == forward.flops + 5 * 2 * 10
    assert counted.bytes == forward.bytes - 4 * 2 * 10 + 4 * 2 + 8


def test_prefill_by_hand() -> None:
    """The second of two positions alone is unembedded; two of each key and value are kept."""
    forward = transformer.forward_cost(TINY, batch=1, context=2, itemsize=2)
    counted = transformer.prefill_cost(TINY, batch=1, context=2, itemsize=2)
    assert counted.flops == forward.flops - 2 * 4 * 10 - 4 * 4
    assert counted.bytes == forward.bytes - 4 * 10 + 2 * (2 * 2 * 2)


def test_decode_by_hand() -> None:
    """One token, which sees two positions: its own and one of the cache."""
    counted = transformer.decode_cost(TINY, batch=1, context=2, itemsize=2)
    pairs = 2 * 2 * (2 * 2 + 1 + 5 + 2 * 2)
    assert counted.flops == 2 * PROJECTIONS + pairs + 3 * 4 * 4 + 3 * 2 * 3 + 3 * 6 + 2 * 4
    assert counted.bytes == 2 * (PROJECTIONS + NORMS + 4 + 2 * 2 * 2) + 4 * 2 + 4 * 10


@pytest.mark.parametrize("phase", ["backward", "train_step", "validate", "prefill", "decode"])
def test_xla_counts_the_other_phases_with_their_masked_pairs(phase: str) -> None:
    """Wide enough that products outweigh what is counted by convention."""
    case = tiny(phase, d_model=64, ffn=160, batch=4, context=64, checked_layers=2, checked_batch=1)
    size = TransformerSize.of(case)
    shape = {"batch": 4, "context": 64}
    if phase in ("backward", "train_step"):
        cost = getattr(transformer, f"{phase}_cost")(size, **shape)
    else:
        cost = getattr(transformer, f"{phase}_cost")(size, **shape, itemsize=4)
    masked = size.layers * size.heads * 4 * (64 * 63 // 2) * (4 * size.head_dim + 6)
    times = {"decode": 0, "backward": 3, "train_step": 3}.get(phase, 1)
    assert compiled(case).xla_flops == pytest.approx(cost.flops + times * masked, rel=0.1)
