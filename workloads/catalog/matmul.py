"""Matrix products: square, and skinny ones against a large weight."""

from workloads.case import ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, Case, Cost

TOLERANCES = {
    # An f32 product is good to 1e-5 on CPU. Accelerators multiply in TF32 by default, whose
    # 10 bits of mantissa, truncated, cost 4e-3; a single pass in bf16, refused, costs 0.012.
    "f32": 5e-3,
    # The output is rounded to 8 bits: by at most 2^-9 of the largest element, some 5 rms.
    "bf16": 0.025,
}


def cost(*, m: int, k: int, n: int, itemsize: int) -> Cost:
    """(m, k) @ (k, n): 2 m k n FLOP (GEMM's usual count); the three matrices as traffic."""
    return Cost(flops=2.0 * m * k * n, bytes=float(itemsize * (m * k + k * n + m * n)))


def _case(m: int, k: int, n: int, dtype: str) -> Case:
    size = str(m) if m == k == n else f"{m}x{k}x{n}"
    counted = cost(m=m, k=k, n=n, itemsize=ITEMSIZE_BYTES[dtype])
    elements = m * k + k * n + m * n
    return Case(
        id=f"matmul/{size}/{dtype}",
        workload="matmul",
        phase="kernel",
        dtype=dtype,
        cost=counted,
        tolerance=TOLERANCES[dtype],
        suites=QUICK,
        # Drawn in f32, held twice while it is copied, and once more in float64.
        memory_bytes=PROCESS_BYTES + 24 * elements,
        parameters={"m": m, "k": k, "n": n},
    )


CASES = (
    *(_case(n, n, n, dtype) for n in (256, 512, 1024, 2048) for dtype in ("f32", "bf16")),
    *(_case(m, 4096, 4096, dtype) for m in (1, 16) for dtype in ("f32", "bf16")),
)
