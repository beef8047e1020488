"""What a Transformer would take on a machine that never ran it, from its ceilings alone.

Its operations are those of `workloads.transformer`; what the compiler makes of them is not known,
so that the upper bound moves what each operation would read and write alone. The interval holds
whatever a label would not call `invalid` or `unexplained`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.roofline.ceilings import Hardware
from harness.roofline.label import LEAST, MOST, largest
from harness.roofline.terms import Bounds, bounds
from workloads.catalog import ITEMSIZE_BYTES, Case, Work
from workloads.catalog.operations import Operation
from workloads.catalog.transformer import cost, needed_bytes
from workloads.catalog.transformer_operations import operations
from workloads.catalog.transformer_sizes import TransformerSize

PHASES = ("forward", "backward", "train_step", "validate", "prefill", "decode")

BEYOND = 1 << 30
"""Of a batch or a context: whatever fits beyond is of no use to anybody."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is predicted: a model, how it is called, and in which dtype."""

    size: TransformerSize
    batch: int
    context: int
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Of one phase. `usual_s`: of a call, between `low_s` and `high_s`. `token_s`: of a token, all
    sequences of a batch at once. `memory_bytes`: that a call holds. `largest_batch`,
    `largest_context`: that fit, the other as asked for; None where memory was not measured, 0 where
    nothing fits."""

    phase: str
    usual_s: float
    low_s: float
    high_s: float
    token_s: float
    binding: str
    memory_bytes: int
    largest_batch: int | None
    largest_context: int | None


def predict(shape: Shape, hardware: Hardware, memory_bytes: float | None) -> Iterator[Prediction]:
    """Every phase. `memory_bytes`: that there are."""
    for phase in PHASES:
        case = case_of(shape, phase)
        found = bounds(case, _operations(shape, phase), None, hardware)
        if found.unknown:
            continue
        yield Prediction(
            phase=phase,
            usual_s=_usual_s(found),
            low_s=LEAST * found.low_s,
            high_s=MOST * found.high_s,
            token_s=_usual_s(found) / (case.work.count if case.work else 1),
            binding=largest(found),
            memory_bytes=_needed(shape, phase, shape.batch, shape.context),
            **_largest(shape, phase, memory_bytes),
        )


def missing(shape: Shape, hardware: Hardware) -> list[str]:
    """What was not measured, for want of which a phase is not predicted."""
    found = (
        bounds(case_of(shape, phase), _operations(shape, phase), None, hardware).unknown
        for phase in PHASES
    )
    return list(dict.fromkeys(why for each in found for why in each))


def case_of(shape: Shape, phase: str) -> Case:
    """A case that the catalogue need not have."""
    calls = {"batch": shape.batch, "context": shape.context}
    count = shape.batch * (1 if phase == "decode" else shape.context)
    return Case(
        id=f"transformer/predicted/{phase}/{shape.dtype}",
        workload="transformer",
        phase=phase,
        dtype=shape.dtype,
        cost=cost(shape.size, phase, shape.dtype, **calls),
        tolerance=0.0,
        suites=(),
        memory_bytes=0,
        work=Work(unit="token", count=count),
        parameters={**shape.size.as_parameters(), **calls},
    )


def _operations(shape: Shape, phase: str) -> tuple[Operation, ...]:
    return operations(shape.size, phase, shape.dtype, batch=shape.batch, context=shape.context)


def _usual_s(found: Bounds) -> float:
    return min(max(found.terms.total_s, found.low_s), found.high_s)


def _needed(shape: Shape, phase: str, batch: int, context: int) -> int:
    itemsize = ITEMSIZE_BYTES[shape.dtype]
    return needed_bytes(shape.size, phase, itemsize, batch=batch, context=context)


def _largest(shape: Shape, phase: str, memory_bytes: float | None) -> dict[str, int | None]:
    if memory_bytes is None:
        return {"largest_batch": None, "largest_context": None}
    return {
        "largest_batch": _most(
            lambda batch: _needed(shape, phase, batch, shape.context) <= memory_bytes
        ),
        "largest_context": _most(
            lambda context: _needed(shape, phase, shape.batch, context) <= memory_bytes
        ),
    }


def _most(fits: Callable[[int], bool]) -> int:
    """The largest whole number that fits, where all smaller ones do; 0 where none does."""
    low, high = 0, 1
    while high < BEYOND and fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
