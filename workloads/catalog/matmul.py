"""Matrix products: square, skinny ones against a large weight, and batches of small ones.

Those that a program asks for, many within a call: `workloads.catalog.chain`.
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
    # An f32 product is good to 1e-5 on CPU. Accelerators multiply in TF32 by default, whose
    # 10 bits of mantissa, truncated, cost 4e-3; a single pass in bf16, refused, costs 0.012.
    "f32": 5e-3,
    # The output is rounded to 8 bits: by at most 2^-9 of the largest element, some 5 rms.
    "bf16": 0.025,
    # As bf16, with 11 bits: 2e-3 on CPU; one of the inputs in bf16, refused, gives 0.01.
    "f16": 5e-3,
    # Whole numbers below 2^31, added in int32: exact in any order, and in float64 too.
    "int8": 0.0,
    # Products are exact and the output is f32: 5e-7 on CPU. Hopper's fast accumulation keeps
    # 14 bits (DeepSeek-AI 2024, 3.3.2): up to 2 % of an element at k = 4096.
    "f8": 0.05,
}

OUTPUT_ITEMSIZE_BYTES = {**ITEMSIZE_BYTES, "int8": 4, "f8": 4}
"""int8 gives int32, and f8 (e4m3) gives f32; the others give themselves."""

PLATFORMS = {"f8": ("cuda",)}
"""Where only some platforms have the dtype in hardware."""


def cost(
    *, m: int, k: int, n: int, itemsize: int, output_itemsize: int | None = None, batch: int = 1
) -> Cost:
    """`batch` times (m, k) @ (k, n): 2 m k n FLOP (GEMM's usual count) each.

    The three matrices as traffic; the output's itemsize is the inputs' where None. Operations
    on whole numbers are counted as if they were floating-point ones.
    """
    inputs, outputs = batch * (m * k + k * n), batch * m * n
    traffic = itemsize * inputs + (output_itemsize or itemsize) * outputs
    return Cost(flops=2.0 * batch * m * k * n, bytes=float(traffic))


def sized(
    m: int,
    k: int,
    n: int,
    dtype: str,
    suites: tuple[str, ...],
    *,
    batch: int | None = None,
    platforms: tuple[str, ...] = (),
) -> Case:
    """A product of matrices, or of `batch` of them."""
    size = str(m) if m == k == n and batch is None else f"{m}x{k}x{n}"
    elements = (batch or 1) * (m * k + k * n + m * n)
    parameters = {"m": m, "k": k, "n": n}
    return Case(
        id=f"matmul/{size if batch is None else f'{batch}x{size}'}/{dtype}",
        workload="matmul",
        phase="kernel",
        dtype=dtype,
        cost=cost(
            m=m,
            k=k,
            n=n,
            itemsize=ITEMSIZE_BYTES[dtype],
            output_itemsize=OUTPUT_ITEMSIZE_BYTES[dtype],
            batch=batch or 1,
        ),
        tolerance=TOLERANCES[dtype],
        suites=suites,
        # Drawn in f32, held twice while it is copied, and once more in float64.
        memory_bytes=PROCESS_BYTES + 24 * elements,
        platforms=PLATFORMS.get(dtype, platforms),
        parameters=parameters if batch is None else {"batch": batch, **parameters},
    )


def _square(n: int, dtype: str, suites: tuple[str, ...], platforms: tuple[str, ...] = ()) -> Case:
    return sized(n, n, n, dtype, suites, platforms=platforms)


_QUICK_TOO, _STANDARD_TOO = (*QUICK, CEILINGS), (*STANDARD, CEILINGS)

CASES = (
    *(_square(n, dtype, QUICK) for n in (256, 512) for dtype in ("f32", "bf16")),
    _square(1024, "f32", _QUICK_TOO),
    *(_square(1024, dtype, _STANDARD_TOO) for dtype in ("bf16", "f16", "int8", "f8")),
    *(_square(2048, dtype, _STANDARD_TOO) for dtype in ("f32", "bf16")),
    *(_square(2048, dtype, STANDARD) for dtype in ("f16", "int8", "f8")),
    *(_square(4096, dtype, FULL) for dtype in ("f32", "bf16", "f16", "int8", "f8")),
    *(_square(8192, dtype, FULL) for dtype in ("f32", "bf16", "f16", "int8")),
    sized(1, 4096, 4096, "f32", QUICK),
    sized(1, 4096, 4096, "bf16", STANDARD),
    *(sized(m, 4096, 4096, d, STANDARD) for m in (4, 16, 64, 256) for d in ("f32", "bf16")),
    *(sized(m, 4096, 4096, d, FULL) for m in (1, 4, 16, 64, 256) for d in ("f16", "int8")),
    *(sized(m, 4096, 4096, "f8", FULL) for m in (16, 64, 256)),
    *(sized(128, 128, 128, d, _STANDARD_TOO, batch=32) for d in ("f32", "bf16")),
    *(sized(128, 128, 128, d, STANDARD, batch=32) for d in ("f16", "int8")),
    *(sized(512, 512, 512, d, FULL, batch=64) for d in ("f32", "bf16", "f16", "int8", "f8")),
)
