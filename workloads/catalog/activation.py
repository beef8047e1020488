"""Element-wise and row-wise functions over a (rows, columns) array.

Input and output are as large: at 4 MiB both fit in the last-level cache of any machine, and a
call still takes many times the cost of dispatch; at 256 MiB they are four times the largest
such cache (128 MiB). 64 MiB is what `quick` can afford.
"""

from workloads.case import (
    CEILINGS,
    FULL,
    ITEMSIZE_BYTES,
    PROCESS_BYTES,
    QUICK,
    STANDARD,
    Case,
    Cost,
)

TOLERANCES = {
    # No product inside, so f32 throughout. Softmax's largest output is 100 rms: 1e-6 of it.
    "f32": 3e-4,
    # The output is rounded to 8 bits: 0.03 where it reaches 15 rms (rmsnorm, silu, layernorm).
    # Without its bias or its scale a norm is off by 2.
    "bf16": 0.1,
}

BF16_SOFTMAX = 0.5
"""Its largest output is 100 rms, and e^x of a rounded x adds to it: 0.17. Not divided: 1e5."""

FLOPS_PER_ELEMENT = {
    "relu": 1,  # max(x, 0)
    "sigmoid": 4,  # 1 / (1 + exp(-x)): negate, exp, add, divide
    "silu": 5,  # x sigmoid(x)
    "gelu": 9,  # 0.5 x (1 + tanh(c (x + 0.044715 x^3))): seven mul/add, tanh, halve
    "tanh": 1,
    "softmax": 5,  # max, subtract, exp, sum, divide
    "layernorm": 7,  # sum, subtract, square, sum; times 1/std, times scale, plus bias
    "rmsnorm": 4,  # square, sum; times 1/rms, times scale
}
"""FLOP for each element; the few for each row (an rsqrt, a division) are left out."""

VECTORS = {"layernorm": 2, "rmsnorm": 1}
"""Vectors of one row's length that are read besides the input: scale and bias, or scale."""

COLUMNS = 4096
"""A row: the width of a 7b model."""

FEW = ("relu", "softmax", "rmsnorm")
"""One of each kind, for where time is short: element-wise, with exp, with a reduction."""


def cost(name: str, *, rows: int, columns: int, itemsize: int) -> Cost:
    """`name` over a (rows, columns) array: FLOPS_PER_ELEMENT; input, output and vectors."""
    elements = rows * columns
    traffic = 2 * elements + VECTORS.get(name, 0) * columns
    return Cost(flops=float(FLOPS_PER_ELEMENT[name] * elements), bytes=float(itemsize * traffic))


def _case(name: str, mebibytes: int, dtype: str, suites: tuple[str, ...]) -> Case:
    """`name` over an input of that size."""
    itemsize = ITEMSIZE_BYTES[dtype]
    rows = mebibytes * 2**20 // (COLUMNS * itemsize)
    return Case(
        id=f"activation/{name}/{mebibytes}MiB/{dtype}",
        workload="activation",
        phase="kernel",
        dtype=dtype,
        cost=cost(name, rows=rows, columns=COLUMNS, itemsize=itemsize),
        tolerance=tolerance(name, dtype),
        suites=suites,
        memory_bytes=PROCESS_BYTES + 32 * rows * COLUMNS,
        parameters={"activation": name, "rows": rows, "columns": COLUMNS},
    )


def tolerance(name: str, dtype: str) -> float:
    """TOLERANCES, but for softmax in bf16."""
    return BF16_SOFTMAX if (name, dtype) == ("softmax", "bf16") else TOLERANCES[dtype]


CASES = (
    *(
        _case(name, 4, dtype, (*STANDARD, CEILINGS))
        for name in FLOPS_PER_ELEMENT
        for dtype in ("f32", "bf16")
    ),
    *(_case(name, 64, "f32", QUICK if name in FEW else STANDARD) for name in FLOPS_PER_ELEMENT),
    *(_case(name, 256, "f32", STANDARD if name in FEW else FULL) for name in FLOPS_PER_ELEMENT),
    *(_case(name, 256, "bf16", FULL) for name in FLOPS_PER_ELEMENT),
)
