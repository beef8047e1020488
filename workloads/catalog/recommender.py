"""DLRM (Naumov et al. 2019): rows gathered from embedding tables, pairwise products, two MLPs."""

from dataclasses import dataclass
from itertools import pairwise

from workloads.case import FULL, ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, STANDARD, Case, Cost, Work

FORWARD_TOLERANCES = {
    # 3e-6 on CPU; accelerators multiply in TF32 by default, whose error is below bf16's: 0.015.
    "f32": 0.03,
    "bf16": 0.09,
}
LOSS_TOLERANCES = {
    # 1e-7 on CPU, over four steps. TF32 must stay below what bf16 costs, 7e-4.
    "f32": 4e-3,
    "bf16": 6e-3,
}
"""In units of the losses' rms. A learning rate that is wrong by a fifth is outside."""

CROSS_ENTROPY_FLOPS = 7
"""For each sample: max(z, 0) - z y + log(1 + exp(-|z|))."""

F32_BYTES = 4
INT32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class DlrmSize:
    """One row of each table a sample.

    `width`: of a row. `dense`: features that are numbers. `bottom`, `top`: outputs of the
    hidden layers; the bottom's last one, `width`, and the top's, one logit, come on top.
    `rate`: of SGD, so low that a batch trained on over and over does not overshoot.
    """

    tables: int
    rows: int
    width: int
    dense: int
    bottom: tuple[int, ...]
    top: tuple[int, ...]
    rate: float

    @property
    def pairs(self) -> int:
        """Of different vectors among the rows and the bottom's output."""
        return (self.tables + 1) * self.tables // 2

    def bottom_shapes(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer over the dense features."""
        return tuple(pairwise((self.dense, *self.bottom, self.width)))

    def top_shapes(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer over the pairs and the bottom's output."""
        return tuple(pairwise((self.width + self.pairs, *self.top, 1)))

    @property
    def table_values(self) -> int:
        """Of all tables."""
        return self.tables * self.rows * self.width

    @property
    def mlp_parameters(self) -> int:
        """Weights and biases of both MLPs."""
        shapes = (*self.bottom_shapes(), *self.top_shapes())
        return sum((inputs + 1) * outputs for inputs, outputs in shapes)


SIZES = {
    "small": DlrmSize(tables=4, rows=1000, width=16, dense=13, bottom=(32,), top=(32,), rate=0.1),
    # 256 MiB of tables in f32, 128 in bf16: four times a last-level cache of 32 MiB and more.
    "medium": DlrmSize(
        tables=8, rows=2**17, width=64, dense=13, bottom=(512, 256), top=(512, 256), rate=0.01
    ),
    # The layers of MLPerf's benchmark (Criteo's 26 tables, width 128), every table of 2^21 rows:
    # 26 GiB, and as much again for their gradient.
    "criteo": DlrmSize(
        tables=26,
        rows=2**21,
        width=128,
        dense=13,
        bottom=(512, 256),
        top=(1024, 1024, 512, 256),
        rate=0.003,
    ),
}


def forward_cost(size: DlrmSize, *, batch: int, itemsize: int) -> Cost:
    """Logits of a batch of samples.

    FLOP: 2 an MLP weight, its bias and relu; 2 an element of each pair's dot product. Bytes:
    only the rows that are gathered, int32 indices, dense features, MLPs once, f32 logits.
    """
    flops = batch * (2 * _products(size) + _elementwise_flops(size))
    traffic = itemsize * (_gathered(size, batch) + size.mlp_parameters + size.dense * batch)
    traffic += INT32_BYTES * size.tables * batch + F32_BYTES * batch
    return Cost(flops=float(flops), bytes=float(traffic))


def train_step_cost(size: DlrmSize, *, batch: int, itemsize: int) -> Cost:
    """Forward, backward and SGD.

    FLOP: two products in the backward pass for each in the forward, but one where the input is
    the dense features; element-wise parts twice, too. An update is 2 a weight, and a gathered
    value adds its share. Bytes: MLPs and the gathered rows, both f32, read and written.
    """
    first = size.bottom_shapes()[0][0] * size.bottom_shapes()[0][1]
    sample = 3 * (2 * _products(size) + _elementwise_flops(size) + CROSS_ENTROPY_FLOPS) - 2 * first
    touched = _gathered(size, batch)
    flops = batch * (sample + size.tables * size.width) + 2 * (size.mlp_parameters + touched)
    traffic = 2 * F32_BYTES * (size.mlp_parameters + touched)
    traffic += (itemsize * size.dense + INT32_BYTES * size.tables + F32_BYTES) * batch
    return Cost(flops=float(flops), bytes=float(traffic))


def _products(size: DlrmSize) -> int:
    """Multiply-adds of one sample."""
    shapes = (*size.bottom_shapes(), *size.top_shapes())
    return sum(inputs * outputs for inputs, outputs in shapes) + size.pairs * size.width


def _elementwise_flops(size: DlrmSize) -> int:
    """A bias each output, and a relu but at the logit."""
    return 2 * sum(out for _, out in (*size.bottom_shapes(), *size.top_shapes())) - 1


def _gathered(size: DlrmSize, batch: int) -> int:
    """Values of the rows that a batch looks up: at most the whole tables."""
    return size.tables * min(batch, size.rows) * size.width


def _case(name: str, phase: str, dtype: str, suites: tuple[str, ...], batch: int) -> Case:
    size, training = SIZES[name], phase == "train_step"
    cost = train_step_cost if training else forward_cost
    itemsize = ITEMSIZE_BYTES[dtype]
    tables_bytes = (F32_BYTES if training else itemsize) * size.table_values
    # In training the gradient of every table is as large as the table (`workloads.recommender`).
    # While a table is drawn, it is there in f32 and once more as it is copied.
    drawn_bytes = 2 * F32_BYTES * size.rows * size.width
    return Case(
        id=f"recommender/{name}/{phase}/{dtype}",
        workload="recommender",
        phase=phase,
        dtype=dtype,
        cost=cost(size, batch=batch, itemsize=itemsize),
        tolerance=(LOSS_TOLERANCES if training else FORWARD_TOLERANCES)[dtype],
        suites=suites,
        memory_bytes=PROCESS_BYTES
        + (2 if training else 1) * tables_bytes
        + drawn_bytes
        + 40 * size.mlp_parameters
        + 60 * batch * size.tables * size.width
        + 40 * batch * sum(out for _, out in (*size.bottom_shapes(), *size.top_shapes())),
        work=Work(unit="sample", count=batch),
        parameters={
            "size": name,
            "batch": batch,
            "tables": size.tables,
            "rows": size.rows,
            "width": size.width,
            "rate": size.rate,
            "tables_bytes": tables_bytes,
        },
    )


CASES = (
    _case("small", "train_step", "f32", QUICK, 128),
    _case("small", "forward", "f32", STANDARD, 128),
    _case("medium", "forward", "f32", STANDARD, 2048),
    _case("medium", "forward", "bf16", STANDARD, 2048),
    _case("medium", "train_step", "f32", STANDARD, 2048),
    _case("medium", "train_step", "bf16", FULL, 2048),
    _case("criteo", "forward", "f32", FULL, 8192),
    _case("criteo", "forward", "bf16", FULL, 8192),
    _case("criteo", "train_step", "f32", FULL, 8192),
    _case("criteo", "train_step", "bf16", FULL, 8192),
)
