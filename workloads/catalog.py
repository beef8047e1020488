"""Every case there is, in order. Pure data: importing this never imports JAX or NumPy.

A case belongs to suites; `select` narrows by suite and by globs over case ids. Tolerances
bound `workloads.numerics.error` and stand in one table, below, with the reason for each.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from workloads import cost
from workloads.case import ITEMSIZE_BYTES, Case
from workloads.sizes import NANO, TransformerSize

__all__ = ["CASES", "SUITES", "Case", "UnknownCase", "UnknownSuite", "find", "select"]

SUITES = ("quick", "standard", "full")
"""Each suite holds the one before it."""

TOLERANCES = {
    # An f32 product is good to 1e-5 on CPU. Accelerators multiply in TF32 by default, whose
    # 10 bits of mantissa, truncated, cost 4e-3; a single pass in bf16, refused, costs 0.012.
    ("matmul", "f32"): 5e-3,
    ("dense", "f32"): 5e-3,
    # The output is rounded to 8 bits: by at most 2^-9 of the largest element, some 5 rms.
    ("matmul", "bf16"): 0.025,
    # No product inside, so f32 throughout. Softmax's largest output is 100 rms: 1e-6 of it.
    ("activation", "f32"): 3e-4,
    # Four layers add up: 4e-6 on CPU in f32 (0.015 with inputs cut to TF32), 0.05 in bf16.
    ("transformer", "f32"): 0.03,
    ("transformer", "bf16"): 0.09,
}
"""The largest accepted numerics error, by workload and dtype.

Wrong arithmetic is far outside (no causal mask: 5, no rotary positions: 2.4); a
wrong factor, which these would let pass in bf16, is `workloads.numerics.SCALE_TOLERANCE`'s."""


class UnknownCase(LookupError):
    """No case has this id."""


class UnknownSuite(LookupError):
    """No suite has this name."""


def _matmul(m: int, k: int, n: int, dtype: str) -> Case:
    size = str(m) if m == k == n else f"{m}x{k}x{n}"
    return Case(
        id=f"matmul/{size}/{dtype}",
        workload="matmul",
        phase="kernel",
        dtype=dtype,
        cost=cost.matmul(m=m, k=k, n=n, itemsize=ITEMSIZE_BYTES[dtype]),
        tolerance=TOLERANCES["matmul", dtype],
        suites=SUITES,
        parameters={"m": m, "k": k, "n": n},
    )


def _activation(name: str, rows: int, columns: int, dtype: str) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"activation/{name}/{rows * columns * itemsize // 2**20}MiB/{dtype}",
        workload="activation",
        phase="kernel",
        dtype=dtype,
        cost=cost.activation(name, rows=rows, columns=columns, itemsize=itemsize),
        tolerance=TOLERANCES["activation", dtype],
        suites=SUITES,
        parameters={"activation": name, "rows": rows, "columns": columns},
    )


def _dense(batch: int, inputs: int, outputs: int, dtype: str) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"dense/{batch}/{dtype}",
        workload="dense",
        phase="forward",
        dtype=dtype,
        cost=cost.dense(batch=batch, inputs=inputs, outputs=outputs, itemsize=itemsize),
        tolerance=TOLERANCES["dense", dtype],
        suites=SUITES,
        parameters={"batch": batch, "inputs": inputs, "outputs": outputs},
    )


def _transformer(name: str, size: TransformerSize, batch: int, context: int, dtype: str) -> Case:
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"transformer/{name}/forward/{dtype}",
        workload="transformer",
        phase="forward",
        dtype=dtype,
        cost=cost.transformer_forward(size, batch=batch, context=context, itemsize=itemsize),
        tolerance=TOLERANCES["transformer", dtype],
        suites=SUITES,
        parameters={**size.as_parameters(), "batch": batch, "context": context},
    )


CASES: tuple[Case, ...] = (
    *(_matmul(n, n, n, dtype) for n in (256, 512, 1024, 2048) for dtype in ("f32", "bf16")),
    *(_matmul(m, 4096, 4096, dtype) for m in (1, 16) for dtype in ("f32", "bf16")),
    *(_activation(name, 4096, 4096, "f32") for name in cost.FLOPS_PER_ELEMENT),
    *(_dense(batch, 4096, 4096, "f32") for batch in (1, 128)),
    *(_transformer("nano", NANO, 8, 128, dtype) for dtype in ("f32", "bf16")),
)


def find(case_id: str) -> Case:
    """The case with exactly this id. Raises `UnknownCase`."""
    for case in CASES:
        if case.id == case_id:
            return case
    raise UnknownCase(f"unknown case {case_id!r}: see `jaxrig cases`")


def select(globs: Iterable[str] = (), suite: str | None = None) -> tuple[Case, ...]:
    """Cases of `suite` (None: of any) whose id matches one of `globs` (none given: all).

    Globs are matched as `fnmatch.fnmatchcase` does: `*` also crosses `/`. The order is the
    catalogue's. Raises `UnknownSuite`; no match at all is an empty tuple.
    """
    if suite is not None and suite not in SUITES:
        raise UnknownSuite(f"unknown suite {suite!r}: there are {', '.join(SUITES)}")
    patterns = tuple(globs) or ("*",)
    return tuple(
        case
        for case in CASES
        if (suite is None or suite in case.suites)
        and any(fnmatchcase(case.id, pattern) for pattern in patterns)
    )
