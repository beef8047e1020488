"""Element-wise and row-wise functions over a (rows, columns) array."""

from workloads.case import ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, Case, Cost

TOLERANCE = 3e-4
"""No product inside, so f32 throughout. Softmax's largest output is 100 rms: 1e-6 of it."""

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


def cost(name: str, *, rows: int, columns: int, itemsize: int) -> Cost:
    """`name` over a (rows, columns) array: FLOPS_PER_ELEMENT; input, output and vectors."""
    elements = rows * columns
    traffic = 2 * elements + VECTORS.get(name, 0) * columns
    return Cost(flops=float(FLOPS_PER_ELEMENT[name] * elements), bytes=float(itemsize * traffic))


def _case(name: str, rows: int, columns: int, dtype: str) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"activation/{name}/{rows * columns * itemsize // 2**20}MiB/{dtype}",
        workload="activation",
        phase="kernel",
        dtype=dtype,
        cost=cost(name, rows=rows, columns=columns, itemsize=itemsize),
        tolerance=TOLERANCE,
        suites=QUICK,
        memory_bytes=PROCESS_BYTES + 32 * rows * columns,
        parameters={"activation": name, "rows": rows, "columns": columns},
    )


CASES = tuple(_case(name, 4096, 4096, "f32") for name in FLOPS_PER_ELEMENT)
