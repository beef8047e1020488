"""How much of a model's cache fits: the largest batch, and the longest context.

Memory size as a ceiling of serving: Pope et al., Efficiently Scaling Transformer Inference,
MLSys 2023, section 2; Kwon et al., Efficient Memory Management for Large Language Model Serving
with PagedAttention, SOSP 2023.
"""

from workloads.case import FULL, ITEMSIZE_BYTES, PROCESS_BYTES, STANDARD, Case, Work
from workloads.catalog.transformer import tolerance
from workloads.catalog.transformer_costs import cache_elements, decode_cost
from workloads.catalog.transformer_sizes import B1, NANO, TransformerSize

CONTEXT_UNIT = 128
"""A context is searched in steps of so many positions, a batch in steps of one sequence."""

NO_CAP = 0


def _case(
    name: str,
    size: TransformerSize,
    varied: str,
    dtype: str,
    suites: tuple[str, ...],
    *,
    batch: int,
    context: int,
    cap_bytes: int,
) -> Case:
    """What is timed is decoding at `batch` and `context`, of which the search for the largest
    changes `varied` alone. `cap_bytes`: of host memory, the most that a probe may take."""
    itemsize = ITEMSIZE_BYTES[dtype]
    return Case(
        id=f"memory/capacity/{name}-{varied}/{dtype}",
        workload="memory",
        phase="capacity",
        dtype=dtype,
        cost=decode_cost(size, batch=batch, context=context, itemsize=itemsize),
        tolerance=tolerance(size, "decode", dtype),
        suites=suites,
        # A process that decodes like every other, beside one that may fill what there is.
        memory_bytes=2 * PROCESS_BYTES
        + 2 * itemsize * (size.parameters + cache_elements(size, batch, context))
        + 16 * size.vocab * size.d_model,
        work=Work(unit="token", count=batch),
        alone=True,
        parameters={
            **size.as_parameters(),
            "batch": batch,
            "context": context,
            "checked_batch": 1,
            "varied": varied,
            "cap_bytes": cap_bytes,
        },
    )


CASES = (
    _case("nano", NANO, "batch", "f32", STANDARD, batch=16, context=1024, cap_bytes=1 << 30),
    _case("nano", NANO, "context", "f32", STANDARD, batch=1, context=1024, cap_bytes=1 << 30),
    _case("1b", B1, "batch", "bf16", FULL, batch=8, context=2048, cap_bytes=NO_CAP),
    _case("1b", B1, "context", "bf16", FULL, batch=1, context=2048, cap_bytes=NO_CAP),
)
